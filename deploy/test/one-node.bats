#!/usr/bin/env bats
# The proof from a guest's console that it ran on one node at a time: it must find each way in which that could be untrue.
bats_require_minimum_version 1.5.0

judge() { awk -f "$BATS_TEST_DIRNAME/../lab/one-node.awk" "$@" "$BATS_TEST_TMPDIR/console"; }

# console LINE... - what the guest has printed.
console() { printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/console"; }
# boot|line|jump SEQ MONO [NODE]
boot() { echo "BOOT id=1 seq=$1 mono_us=$2 sent= recv= bad=0 reconnects=0${3:+ node=$3} #"; }
line() { echo "S id=1 seq=$1 mono_us=$2 sent= recv= bad=0 reconnects=0${3:+ node=$3} #"; }
jump() { echo "J id=1 gap_s=7 seq=$1 mono_us=$2 sent= recv= bad=0 reconnects=0${3:+ node=$3} #"; }

@test "one life after the other, on several nodes" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 1 1000)" "$(line 5 2000)" "NODE n2 #" "$(boot 6 800)" "$(line 7 900)"
  run -0 judge
  [ "$output" = $'RAN n1 0 5 boot\nRAN n2 6 7 boot' ]
}

@test "a life that ended before it had booted was nowhere" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 5 2000)" "NODE n3 #" "NODE n1 #" "$(boot 6 800)" "$(line 7 900)"
  run -0 judge
  [ "$output" = $'RAN n1 0 5 boot\nRAN n1 6 7 boot' ]
}

@test "half a line where a node died, and one that is being written" {
  console "NODE n1 #" "$(boot 0 900)" "$(line 5 2000)" "S id=1 se""NODE n2 #" "$(boot 5 800)" "$(line 6 900)"
  printf 'S id=1 seq=7 mo' >>"$BATS_TEST_TMPDIR/console"
  run -0 judge
  [ "$output" = $'RAN n1 0 5 boot\nRAN n2 5 6 boot' ]
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

moved() { console "NODE n1 #" "$(boot 0 900 n1)" "$(line 5 5000 n1)" "$(line 6 5200 n2)" "$(line 7 5300 n2)"; }

@test "a life that goes on on another node: right when it was moved, wrong when not" {
  moved
  run -0 judge -v moves=1
  [ "$output" = $'RAN n1 0 5 boot\nRAN n2 6 7 move' ]
  run -1 judge
  [[ $output == *"was not moved"* ]]
  line 7 5350 n1 >>"$BATS_TEST_TMPDIR/console"
  run -1 judge -v moves=1
}

@test "a life that is moved while it boots" {
  console "NODE n1 #" "$(boot 5 900 n2)" "$(line 6 1000 n2)"
  run -0 judge -v moves=1
  [ "$output" = $'RAN n1 5 5 boot\nRAN n2 5 6 move' ]
  run -1 judge
}

@test "a move on both sides of which it runs" {
  moved
  line 7 5290 n1 >>"$BATS_TEST_TMPDIR/console"
  run -1 judge -v moves=9
  [[ $output == *"it goes back"* ]]
}

@test "a life that goes back: right when it was reverted, also where it runs then, wrong when not" {
  console "NODE n1 #" "$(boot 0 900 n1)" "$(line 5 5000 n1)" "$(line 9 9000 n2)" "S id=1 seq=5 mono_us=5"$'1\n'"$(line 5 5100 n1)" \
    "$(jump 6 5200 n2)" "$(line 7 5300 n2)"
  run -0 judge -v moves=1 -v reverts=1
  [ "$output" = $'RAN n1 0 5 boot\nRAN n2 9 9 move\nRAN n2 6 7 revert' ]
  run -1 judge -v moves=1
  [[ $output == *"was not reverted"* ]]
  line 6 5250 n2 >>"$BATS_TEST_TMPDIR/console"
  run -1 judge -v moves=1 -v reverts=1
  [[ $output == *"it goes back"* ]]
}

@test "a life that goes back on another node, without a jump that it would notice" {
  console "NODE n1 #" "$(boot 0 900 n1)" "$(line 5 5000 n1)" "$(line 9 9000 n1)" "$(line 6 5200 n2)"
  run -0 judge -v reverts=1
  [ "$output" = $'RAN n1 0 9 boot\nRAN n2 6 6 revert' ]
  line 7 5300 n2 >>"$BATS_TEST_TMPDIR/console"
  run -0 judge -v reverts=1
  [ "$output" = $'RAN n1 0 9 boot\nRAN n2 6 7 revert' ]
  run -1 judge
  [[ $output == *"was not reverted"* ]]
}

@test "a peer that was booted anew is not this guest's business, any other complaint is" {
  console "NODE n1 #" "$(boot 0 900 n1)" "$(line 5 5000 n1)" "BAD id=1 connection to 2 broke: Connection reset by peer #" "$(line 9 9000 n1)"
  run -0 judge
  [ "$output" = "RAN n1 0 9 boot" ]
  echo "BAD id=1 from=2 expected=7 got=9 #" >>"$BATS_TEST_TMPDIR/console"
  line 12 9500 n1 >>"$BATS_TEST_TMPDIR/console"
  run -1 judge
  [[ $output == *"from=2"* ]]
}

@test "a console that proves nothing, because nothing ran" {
  console
  run -1 judge
}
