#!/usr/bin/env bats
# The benchmark: its command line and its arithmetic. What it measures is looked at by people.

setup() { lib=$BATS_TEST_DIRNAME/../lib/bench; }

@test "bad options are usage errors and touch nothing" {
  for words in "" "what" "checkpoint --rounds 0" "checkpoint --rounds x" "checkpoint --vms 0" "checkpoint --vms 10" "checkpoint --vms" \
    "checkpoint --memory 1" "virsh --accel xen" "launcher --what" "epochs --seconds 0" "epochs --seconds 1.5" "epochs --seconds" "epochs --mode ram" \
    "failover --rounds 0" "failover --accel" "increments --rounds 0" "scale --rounds 0" "scale --vms"; do
    # shellcheck disable=SC2086  # words on purpose
    run "$BATS_TEST_DIRNAME/../bench.sh" $words
    [ "$status" -eq 2 ]
    [[ "$output" == *"see --help"* ]]
  done
}

@test "help tells what can be measured" {
  run "$BATS_TEST_DIRNAME/../bench.sh" --help
  [ "$status" -eq 0 ]
  [[ "$output" == *checkpoint*virsh*launcher*epochs*failover*increments*scale*"--rounds N"*"--seconds N"*"last line is JSON"* ]]
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

@test "epochs beside the floor: pauses, what was given up, how much slower the guest is" {
  {
    echo '{"who":"alone","work":"io","interval":null,"rate":200,"load":1}'
    for i in 1 2 3 4; do
      echo "{\"who\":\"ours\",\"work\":\"io\",\"interval\":1,\"pause\":${i}2000}"
      echo "{\"who\":\"ours\",\"work\":\"io\",\"interval\":1,\"committed\":$([ "$i" -lt 4 ] && echo true || echo false),\"length\":${i}00000,\"bytes\":2048}"
      echo "{\"who\":\"floor\",\"work\":\"io\",\"interval\":1,\"committed\":true,\"pause\":${i}0000,\"length\":100000,\"bytes\":1024}"
    done
    echo '{"who":"ours","work":"io","interval":1,"rate":150,"load":2}'
    echo '{"who":"floor","work":"io","interval":1,"rate":180,"load":3}'
  } >"$BATS_TEST_TMPDIR/all"
  run jq -c -n --slurpfile all "$BATS_TEST_TMPDIR/all" -f "$lib/epochs.jq"
  [ "$status" -eq 0 ]
  [ "$(jq -c '.epochs.cells[0] | [.work, .ours.epochs, .ours.given_up, .ours.pause_ms_p50, .ours.length_ms_p50, .ours.kib_p50, .ours.slower_percent, .floor.slower_percent, .pause_ratio_p50, .length_ratio_p50]' <<<"$output")" \
    = '["io",3,1,22,200,2,25,10,1.1,2]' ]
  run jq -r -f "$lib/epochs-table.jq" <<<"$output"
  [ "$status" -eq 0 ]
  [[ "$output" == *"io       1        holdfast 3"* ]]
}

@test "failovers: detection, fencing, take-over and total, and their medians" {
  for i in 1 2 3; do
    echo "{\"kind\":\"replica\",\"load\":1,\"crashed\":1000000,\"lost\":3000000,\"fenced\":3100000,\"begun\":3110000,\"asked\":3150000,\"proven\":3200000,\"claimed\":3230000,\"runs\":3240000,\"replied\":3${i}00000,\"back_ms\":500}"
    echo "{\"kind\":\"cold\",\"load\":1,\"crashed\":1000000,\"lost\":3000000,\"fenced\":4000000,\"begun\":4100000,\"asked\":null,\"proven\":null,\"claimed\":null,\"runs\":null,\"replied\":${i}000000,\"back_ms\":0}"
  done >"$BATS_TEST_TMPDIR/all"
  sed -i 's/"replied":1000000/"replied":5000000/; s/"replied":2000000/"replied":6000000/; s/"replied":3000000/"replied":7000000/; s/"replied":3100000/"replied":3250000/' "$BATS_TEST_TMPDIR/all"
  run jq -c -n --slurpfile all "$BATS_TEST_TMPDIR/all" -f "$lib/failover.jq"
  [ "$status" -eq 0 ]
  [ "$(jq -c '[.failovers.replica, .detection_s.replica, .fencing_s.cold, .takeover_s.replica, .takeover_s.cold, .takeover_max_s.cold, .total_s.cold, .takeover_ratio, .back_s.replica]' <<<"$output")" \
    = '[3,2,1,0.15,2,3,5,0.08,0.5]' ]
  run jq -r -f "$lib/failover-table.jq" <<<"$output"
  [ "$status" -eq 0 ]
  [[ "$output" == *"VirtualDomain, cold"* ]]
}

@test "the programs are compiled without a remark" {
  for program in floor epoch-floor caller stopwatch; do
    gcc -O2 -Wall -Wextra -Werror -pthread -o "$BATS_TEST_TMPDIR/$program" "$lib/$program.c" -lcrypto
    run "$BATS_TEST_TMPDIR/$program"
    [ "$status" -eq 2 ]
  done
}

# soaked SAMPLE PAUSE - figures of an hour of which each sample is the jq expression SAMPLE, and each pause PAUSE, both of the part of the time ($t, 0 to 1).
soaked() {
  jq -c -n "range(0; 121) | (. / 120) as \$t | {second: (. * 30), load: 1, layers: 42, memories: 18, chain: 7, nodes: [{node: \"n1\", heap_kb: 13000, store_heap_kb: 15000,
    agent_kb: 240000, threads: 54, descriptors: 70, guard_kb: 3400, guard_descriptors: 13, store_kb: 113000, store_threads: 43, znodes: 250, state_kb: 1, log_kb: (1000 * \$t)}]} | $1" >"$BATS_TEST_TMPDIR/samples"
  jq -r -n "range(0; 3600) | (. / 3600) as \$t | \"w1 \(. * 1000) \($2)\"" >"$BATS_TEST_TMPDIR/pauses"
  jq -c -n --slurpfile samples "$BATS_TEST_TMPDIR/samples" --rawfile pauses "$BATS_TEST_TMPDIR/pauses" --slurpfile schedule <(echo '{}') --argjson answers 7 -f "$lib/soak.jq"
}

@test "an hour in which nothing grows but the logs" {
  figures=$(soaked . '30 + (. % 10)')
  [ "$(jq -c '[.minutes, .checkpoints, .grows, .pause_ms.late.p50, .znodes.late]' <<<"$figures")" = '[60,3600,[],34,250]' ]
  run jq -r -f "$lib/soak-table.jq" <<<"$figures"
  [[ "$output" == *"Nothing grows."* ]]
}

@test "an hour in which something grows says what: each thing that is counted, and each percentile" {
  for key in heap_kb store_heap_kb agent_kb threads descriptors guard_kb guard_descriptors store_kb store_threads znodes; do
    figures=$(soaked ".nodes[0].$key |= . * (1 + 2 * \$t) + 10 * \$t" 30)
    [[ "$(jq -r '.grows | join(" ")' <<<"$figures")" == "$key: "* ]]
  done
  for key in layers memories chain; do
    [[ "$(soaked ".$key |= . + 40 * \$t" 30 | jq -r '.grows | join(" ")')" == "$key: "* ]]
  done
  [[ "$(soaked . '30 + 30 * $t' | jq -r '.grows | join(" ")')" == "pause p50: "*"pause p95: "* ]]
  [[ "$(soaked . 'if . % 50 == 0 then 100 + 900 * $t else 30 end' | jq -r '.grows | join(" ")')" == "pause p99: "* ]]
}
