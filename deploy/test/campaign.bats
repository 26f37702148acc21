#!/usr/bin/env bats
# A slice of the fault campaign on its lab: a minute of it in each run of the tests, a quarter of an hour of all of it with
# "deploy/test.sh --soak".
bats_require_minimum_version 1.5.0

# slice OPTION... - no violation; says what came out.
slice() {
  HOLDFAST_LAB=hfslice "$BATS_TEST_DIRNAME/../faults.sh" --results "$BATS_TEST_TMPDIR/results" "$@" >"$BATS_TEST_TMPDIR/slice" || {
    cat "$BATS_TEST_TMPDIR/slice"
    return 1
  }
  jq -r '"# \(.faults) faults, recovered after \(.recovery_p50_ms) ms, at most \(.recovery_p99_ms) ms"' <<<"$(tail -n 1 "$BATS_TEST_TMPDIR/slice")" >&3
  jq -e '.faults > 0 and .violations == 0' <<<"$(tail -n 1 "$BATS_TEST_TMPDIR/slice")"
}

@test "agents and stores that are killed at points of the protocol break no promise" {
  slice --seed 1 --minutes 1 --plain --alone --only '^(journal|store|machines)[^ ]* (agent-halt|agent-kill|store-kill|store-leader-kill) (create|revert)'
}

# bats test_tags=soak
@test "a quarter of an hour of the campaign breaks no promise" {
  slice --seed 2 --minutes 15 --plain
}
