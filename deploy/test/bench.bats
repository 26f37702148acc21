#!/usr/bin/env bats
# The benchmark: its command line and its arithmetic. What it measures is looked at by people.

setup() { lib=$BATS_TEST_DIRNAME/../lib/bench; }

@test "bad options are usage errors and touch nothing" {
  for words in "" "what" "checkpoint --rounds 0" "checkpoint --rounds x" "checkpoint --vms 0" "checkpoint --vms 10" "checkpoint --vms" \
    "checkpoint --memory 1" "virsh --accel xen" "launcher --what"; do
    # shellcheck disable=SC2086  # words on purpose
    run "$BATS_TEST_DIRNAME/../bench.sh" $words
    [ "$status" -eq 2 ]
    [[ "$output" == *"see --help"* ]]
  done
}

@test "help tells what can be measured" {
  run "$BATS_TEST_DIRNAME/../bench.sh" --help
  [ "$status" -eq 0 ]
  [[ "$output" == *checkpoint*virsh*launcher*"--rounds N"*"last line is JSON"* ]]
}

@test "the steps of a round are told apart, for each machine; rounds that do not count are left out" {
  echo r1 >"$BATS_TEST_TMPDIR/rounds"
  run awk -f "$lib/steps.awk" -v rounds="$BATS_TEST_TMPDIR/rounds" <<'LOG'
03:43:45.778 FINE x: round r1: steps us: freeze=0 armed:web1=300 armed:web2=310 still:web1=900 still:web2=950 capture=1000 captured:web1=2500 captured:web2=2400 prove=3000 runs:web1=9000 runs:web2=9500
03:43:45.778 FINE x: round r2: steps us: freeze=0 armed:web1=300 still:web1=900 capture=1000 captured:web1=2500 prove=3000 runs:web1=9000
LOG
  [ "$status" -eq 0 ]
  [ "$(jq -s 'length' <<<"$output")" -eq 2 ]
  [ "$(jq -c 'select(.vm == "web1") | [.arm, .stop, .tell, .cut, .wait, .run]' <<<"$output")" = "[300,600,50,1500,500,6000]" ]
}

@test "percentiles, ratio and writes inside a pause" {
  for i in 1 2 3 4; do
    echo "{\"vms\":1,\"round\":\"r$i\",\"load\":1,\"skew\":0,\"floor\":5000000,\"members\":[{\"frozen\":${i}000000000,\"thawed\":${i}010000000,\"pause\":${i}0000000}]}"
  done >"$BATS_TEST_TMPDIR/all"
  run jq -c -n --slurpfile all "$BATS_TEST_TMPDIR/all" --slurpfile writes <(printf '1005\n1500\n2010\n') --slurpfile steps /dev/null \
    --slurpfile first /dev/null --slurpfile failed /dev/null -f "$lib/figures.jq"
  [ "$status" -eq 0 ]
  [ "$(jq -c '.rounds[0] | [.vms, .rounds, .pause_ms_p50, .pause_ms_p99, .floor_ms_p50, .ratio_p50, .store_writes_in_pauses]' <<<"$output")" = "[1,4,20,40,5,4,2]" ]
  run jq -r -f "$lib/table.jq" <<<"$output"
  [ "$status" -eq 0 ]
  [[ "$output" == *"inside a pause: 2"* ]]
}

@test "the floor program is compiled without a remark" {
  gcc -O2 -Wall -Wextra -Werror -o "$BATS_TEST_TMPDIR/floor" "$lib/floor.c"
  run "$BATS_TEST_TMPDIR/floor"
  [ "$status" -eq 2 ]
}
