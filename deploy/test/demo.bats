#!/usr/bin/env bats
# The command line of the demo. (The demo itself is run by hand and by the soak; it is the product's first test.)

@test "bad options are usage errors and touch nothing" {
  for words in "--nodes 0" "--nodes 10" "--nodes x" "--nodes" "--memory 1" "--accel xen" "--what"; do
    # shellcheck disable=SC2086  # words on purpose
    run "$BATS_TEST_DIRNAME/../demo.sh" $words
    [ "$status" -eq 2 ]
    [[ "$output" == *"see --help"* ]]
  done
}

@test "help tells the options" {
  run "$BATS_TEST_DIRNAME/../demo.sh" --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"--nodes N"*"--keep"*"--down"* ]]
}

@test "test.sh refuses unknown options" {
  run "$BATS_TEST_DIRNAME/../test.sh" --fast
  [ "$status" -eq 2 ]
}
