#!/usr/bin/env bats
# A minute of the fault campaign on its lab. Only "deploy/test.sh --soak" runs it.
bats_require_minimum_version 1.5.0

@test "agents and stores that are killed at points of the protocol break no promise" {
  HOLDFAST_LAB=hfslice "$BATS_TEST_DIRNAME/../../faults.sh" --results "$BATS_TEST_TMPDIR/results" --seed 1 --minutes 1 --plain --alone \
    --only '^(journal|store|machines)[^ ]* (agent-halt|agent-kill|store-kill|store-leader-kill) (create|revert)' | tee "$BATS_TEST_TMPDIR/slice"
  tail -n 1 "$BATS_TEST_TMPDIR/slice" | jq -r '"# \(.faults) faults, recovered after \(.recovery_p50_ms) ms, at most \(.recovery_p99_ms) ms"' >&3
  jq -e '.faults > 0 and .violations == 0' <<<"$(tail -n 1 "$BATS_TEST_TMPDIR/slice")"
}
