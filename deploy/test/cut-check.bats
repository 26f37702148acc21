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

# went_on ID PEER FROM UNTIL - lines that the guest had printed before it was brought back.
went_on() {
  local seq
  for ((seq = $3; seq <= $4; seq += 10)); do printf 'S id=%d seq=%d mono_us=1 sent=%d:60 recv=%d:60 bad=0 reconnects=0 #\n' "$1" "$seq" "$2" "$2"; done
}
# before FILE - puts stdin in front of it.
before() { cat - "$1" >"$1.new" && mv "$1.new" "$1"; }
# with_a_life_before - a consistent cut of two guests that were later than it.
with_a_life_before() {
  guest 1 2 50 48 90
  guest 2 1 49 50 90
  went_on 1 2 100 140 | before 1.log
  went_on 2 1 100 140 | before 2.log
}

@test "what a guest complained of before is not held against the cut, if that is wanted" {
  with_a_life_before
  sed -i 's/bad=0/bad=2/' 1.log
  run awk -f "$check" 1.log 2.log
  [[ "${lines[-1]}" == *"memory_and_disks=false"* ]]
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [ "$status" -eq 0 ]
  sed -i '$s/bad=2/bad=3/' 1.log
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [[ "${lines[-1]}" == *"memory_and_disks=false"* ]]
}

@test "a clock that was set, before or after, is no restore, if guests had a life before" {
  guest 1 2 50 48 90
  guest 2 1 49 50 90
  { echo 'J id=1 gap_s=3600 seq=100 mono_us=1 sent=2:70 recv=2:90 bad=0 reconnects=0 #'; went_on 1 2 100 140; } | before 1.log
  went_on 2 1 100 140 | before 2.log
  went_on 1 2 160 190 >>1.log
  echo 'J id=1 gap_s=-3600 seq=191 mono_us=1 sent=2:70 recv=2:90 bad=0 reconnects=0 #' >>1.log
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [ "$status" -eq 0 ]
  [[ "$output" == *"guest 1    back to write 100,"* ]]
}

@test "a clock that was set soon after a restore is no second one" {
  with_a_life_before
  sed -i '/ seq=101 /a J id=1 gap_s=3600 seq=102 mono_us=1 sent=2:60 recv=2:60 bad=0 reconnects=0 #' 1.log
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [ "$status" -eq 0 ]
  [[ "$output" == *"guest 1 "*"back to write 100,"* ]]
}

@test "a channel on which a guest that was booted has sent nothing yet is not judged, if guests had a life before" {
  guest 1 2 0 48 90
  guest 2 1 49 50 50
  went_on 1 2 100 140 | before 1.log
  went_on 2 1 100 140 | before 2.log
  run awk -f "$check" 1.log 2.log
  [[ "$output" == *"RECEIVED WHAT WAS NOT SENT"* ]]
  run awk -v earlier=1 -f "$check" 1.log 2.log
  [[ "${lines[-1]}" == "VERDICT consistent=true cut=true memory_and_disks=true connections=true channels=1" ]]
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
