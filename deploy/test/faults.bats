#!/usr/bin/env bats
# The plan and the report of the fault campaign. A slice of it on its lab is in campaign.bats.
# shellcheck disable=SC2034  # variables of what is tested
bats_require_minimum_version 1.5.0

faults() { "$BATS_TEST_DIRNAME/../faults.sh" --results "$BATS_TEST_TMPDIR/results" "$@"; }

@test "a seed says which faults come in which order" {
  faults --list --seed 7 >"$BATS_TEST_TMPDIR/one"
  faults --list --seed 7 | diff "$BATS_TEST_TMPDIR/one" -
  run -1 diff -q "$BATS_TEST_TMPDIR/one" <(faults --list --seed 8)
  diff <(sort "$BATS_TEST_TMPDIR/one") <(faults --list --seed 8 | sort)
}

@test "the report adds runs up, and its last line is JSON" {
  cat >"$BATS_TEST_TMPDIR/results" <<'LINES'
{"seed":1,"nth":0,"commit":"a","machine":"m","point":"journal.remove","kind":"agent-kill","operation":"create","reached":true,"frozen_ms":40,"over_ms":0,"recovery_ms":5000,"violations":[]}
{"seed":2,"nth":0,"commit":"b","machine":"m","point":"journal.remove","kind":"agent-kill","operation":"create","second":"guard-kill","reached":true,"frozen_ms":90,"over_ms":0,"recovery_ms":7000,"violations":["I2: not all went back"]}
{"seed":2,"nth":1,"commit":"b","machine":"m","point":"journal.remove","kind":"node-crash","operation":"create","reached":false,"frozen_ms":0,"over_ms":0,"recovery_ms":0,"violations":[]}
LINES
  run -0 faults --report
  [[ "$output" == *"| journal.remove | agent-kill | 2 | 1 | 90 | 5 | 7 |"* ]]
  [[ "$output" == *"seed 2 number 0 (b): agent-kill at journal.remove during create: I2: not all went back"* ]]
  jq -e '.faults == 3 and .rounds == 2 and .violations == 1 and .not_reached == 1 and .max_frozen_ms == 90 and .operations == {"create": 2}' <<<"${lines[-1]}"
  [[ $'\n'"$output"$'\n' == *$'\n'"create: 2"$'\n'* ]]
  [[ $'\n'"$output"$'\n' == *$'\n'"journal.remove node-crash"$'\n'* ]] # it was not reached
  [[ $'\n'"$output"$'\n' != *$'\n'"journal.remove agent-kill"$'\n'* ]]
}

@test "what was done at a random moment of one operation is still to be done in the others" {
  local line lines count
  declare -A did tried
  eval "$(sed -n '/^deed()/p; /^remember() {/,/^}/p; /^choose() {/,/^}/p' "$BATS_TEST_DIRNAME/../faults.sh")"
  lines=("random agent-kill create any" "random agent-kill delete any" "a.b agent-kill create member" "a.b agent-kill revert member" "c.d guard-kill revert member")
  count=0
  remember <<<'{"reached": true, "point": "random", "kind": "agent-kill", "operation": "create", "second": "agent-kill", "second_point": "a.b"}'
  choose
  [ "$line" = "random agent-kill delete any" ]
  choose
  [ "$line" = "c.d guard-kill revert member" ]
}

@test "each point that the campaign leads to names operations and a node that it knows" {
  local points="$BATS_TEST_DIRNAME/../lib/faults/points" point operations whose operation
  # known FUNCTION WORD - the function has a case of its own for it.
  known() { sed -n "/^$1() {/,/^}/p" "$BATS_TEST_DIRNAME/../faults.sh" | grep -q "^    $2)"; }
  while read -r point operations whose; do
    for operation in ${operations//,/ }; do
      [ "$operation" = none ] || known operate "$operation" || { echo "$point: $operation" && false; }
    done
    [ "$whose" = member ] || known node_for "$whose" || { echo "$point: $whose" && false; }
  done < <(grep -v '^#' "$points")
}
