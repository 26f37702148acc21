#!/usr/bin/env bats
# The proof from a guest's console that it ran on one node at a time: it must find each way in which that could be untrue.
bats_require_minimum_version 1.5.0

judge() { awk -f "$BATS_TEST_DIRNAME/../lab/one-node.awk" "$BATS_TEST_TMPDIR/console"; }

# console LINE... - what the guest has printed.
console() { printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/console"; }
boot() { echo "BOOT id=1 seq=$1 mono_us=$2 sent= recv= bad=0 reconnects=0 #"; }
line() { echo "S id=1 seq=$1 mono_us=$2 sent= recv= bad=0 reconnects=0 #"; }

@test "one life after the other, on several nodes" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 1 1000)" "$(line 5 2000)" "NODE n2 #" "$(boot 6 800)" "$(line 7 900)"
  run -0 judge
  [ "$output" = $'RAN n1 0 5\nRAN n2 6 7' ]
}

@test "half a line where a node died, and one that is being written" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 5 2000)" "S id=1 se""NODE n2 #" "$(boot 5 800)" "$(line 6 900)"
  printf 'S id=1 seq=7 mo' >>"$BATS_TEST_TMPDIR/console"
  run -0 judge
  [ "$output" = $'RAN n1 0 5\nRAN n2 5 6' ]
}

@test "two at once, line by line" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 5 5000)" "NODE n2 #" "$(boot 5 800)" "$(line 6 5200)" "$(line 6 900)"
  run -1 judge
  [[ $output == *"it goes back"* ]]
}

@test "two at once, byte by byte" {
  console "NODE n1 #" "$(boot 0 900)" "SS  iidd==11 seq=5 #" "$(line 6 5200)"
  run -1 judge
  [[ $output == *"unknown"* ]]
}

@test "a boot from older data" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 9 5000)" "NODE n2 #" "$(boot 4 800)"
  run -1 judge
  [[ $output == *"older data"* ]]
}

@test "a guest that finds what it did not write" {
  console "NODE n1 #" "$(boot 0 900)" "LOST id=1 vda slot=3 #" "$(line 9 5000)"
  run -1 judge
}

@test "a console that proves nothing, because nothing ran" {
  console
  run -1 judge
}
