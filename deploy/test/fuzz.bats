#!/usr/bin/env bats
# The command line of deploy/fuzz.sh. That fuzzing works is FuzzTest.
bats_require_minimum_version 1.5.0

fuzz() { "$BATS_TEST_DIRNAME/../fuzz.sh" "$@"; }

@test "bad options are usage errors" {
  for words in "--inputs" "--inputs 0" "--inputs x" "--seed" "--what" "nobody" "--file" "--file /nowhere qmp" "--file /dev/null qmp"; do
    # shellcheck disable=SC2086  # words on purpose
    run -2 fuzz $words
    [[ "$output" == *"see --help"* ]]
  done
  run -2 fuzz --file "$BATS_TEST_DIRNAME/fuzz.bats"
}

@test "each target has inputs to begin with and a line in the list" {
  run -0 fuzz --list
  [ "${#lines[@]}" -eq 10 ]
  cd "$BATS_TEST_DIRNAME/../../agent/src/test/resources/fuzz"
  grep -v '^#' targets | while read -r _ class _; do [ -n "$(ls "${class##*.}")" ]; done
  run -0 fuzz --help
  [[ "$output" == *"--inputs N"*"last line is JSON"* ]]
}
