#!/usr/bin/env bats
# The judge of the guests' consoles: finds each kind of inconsistency in logs made by hand.

setup() {
  check="$BATS_TEST_DIRNAME/../lib/cut-check.awk"
  cd "$BATS_TEST_TMPDIR" || return 1
}

# guest ID PEER SENT RECEIVED LATER [BAD [RECONNECTS]] - a log: a torn line, the state at the cut, and two lines after it.
guest() {
  {
    printf 'S id=%d seq=99 mono_us=1 sent=%d:50 recv=%d:5' "$1" "$2" "$2"
    printf 'S id=%d seq=100 mono_us=1 sent=%d:%d recv=%d:%d bad=0 reconnects=0 #\r\n' "$1" "$2" "$3" "$2" "$4"
    printf 'J id=%d gap_s=7 seq=100 mono_us=1 sent=%d:%d recv=%d:%d bad=0 reconnects=0 #\n' "$1" "$2" "$3" "$2" "$4"
    printf 'S id=%d seq=101 mono_us=2 sent=%d:%d recv=%d:%d bad=%d reconnects=%d #\n' "$1" "$2" "$3" "$2" "$4" "${6:-0}" "${7:-0}"
    printf 'S id=%d seq=150 mono_us=3 sent=%d:%d recv=%d:%d bad=%d reconnects=%d #\n' "$1" "$2" "$5" "$2" "$5" "${6:-0}" "${7:-0}"
  } >"$1.log"
}

@test "a consistent cut is called consistent" {
  guest 1 2 50 48 90
  guest 2 1 49 50 90
  run awk -f "$check" 1.log 2.log
  [ "$status" -eq 0 ]
  [[ "${lines[-1]}" == "VERDICT consistent=true cut=true memory_and_disks=true connections=true channels=2" ]]
}

@test "a message received before it was sent is found" {
  guest 1 2 50 48 90
  guest 2 1 49 51 90
  run awk -f "$check" 1.log 2.log
  [ "$status" -eq 1 ]
  [[ "$output" == *"RECEIVED WHAT WAS NOT SENT"* ]]
  [[ "${lines[-1]}" == *"consistent=false cut=false"* ]]
}

@test "a disk of another moment is found" {
  guest 1 2 50 48 90 3
  guest 2 1 49 50 90
  run awk -f "$check" 1.log 2.log
  [ "$status" -eq 1 ]
  [[ "${lines[-1]}" == *"memory_and_disks=false"* ]]
}

@test "what a guest complained of before is not held against the cut, if that is wanted" {
  guest 1 2 50 48 90
  guest 2 1 49 50 90
  sed -i 's/bad=0/bad=2/' 1.log
  run awk -f "$check" 1.log 2.log
  [[ "${lines[-1]}" == *"memory_and_disks=false"* ]]
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [ "$status" -eq 0 ]
  sed -i '$s/bad=2/bad=3/' 1.log
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [[ "${lines[-1]}" == *"memory_and_disks=false"* ]]
}

@test "a connection made anew is found" {
  guest 1 2 50 48 90 0 1
  guest 2 1 49 50 90
  run awk -f "$check" 1.log 2.log
  [ "$status" -eq 1 ]
  [[ "${lines[-1]}" == *"connections=false"* ]]
}

@test "a channel that stands still is found" {
  guest 1 2 50 48 48
  guest 2 1 49 50 90
  run awk -f "$check" 1.log 2.log
  [ "$status" -eq 1 ]
  [[ "$output" == *"STANDS STILL"* ]]
}

@test "a guest that was not brought back cannot be judged" {
  guest 1 2 50 48 90
  guest 2 1 49 50 90
  {
    for _ in $(seq 10); do echo 'S id=2 seq=100 mono_us=1 sent=1:50 recv=1:50 bad=0 reconnects=0 #'; done
    cat 2.log
  } >held.log
  run awk -f "$check" 1.log held.log
  [ "$status" -eq 2 ]
  [[ "$output" == *"was not brought back"* ]]
}

@test "a guest that never came back cannot be judged" {
  guest 1 2 50 48 90
  guest 2 1 49 50 90
  grep -v '^J' 2.log >silent.log
  run awk -f "$check" 1.log silent.log
  [ "$status" -eq 2 ]
  [[ "${lines[-1]}" == "VERDICT consistent=unknown" ]]
}

@test "empty logs cannot be judged" {
  : >1.log
  run awk -f "$check" 1.log
  [ "$status" -eq 2 ]
}
