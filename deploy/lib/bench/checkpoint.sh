#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh checkpoint. Sourced, never run; needs common.sh, cluster.sh, holdfast-lab.sh.
#
# One round is one "holdfast checkpoint create" and one run of the floor program on a machine of the same definition that
# belongs to no group. Their order changes from round to round. Figures of a checkpoint are those of its record.

bench_checkpoint() {
  local count
  rounds=${rounds:-50}
  bench_up "${counts% }"
  for count in $counts; do
    guests_up_to "$count"
    measure_group "$count"
  done
  collect_steps
  collect_store_writes
  say "load of the machine: $(cut -d' ' -f1-3 /proc/loadavg)"
  checkpoint_table >&2
  checkpoint_json
}

# bench_up COUNTS - cluster and the machine for the floor; no guest of the group runs yet.
bench_up() {
  guests=${1##* } group='' period=200
  holdfast_prepare
  prime
  floor=$(cache_dir)/bench-floor
  gcc -O2 -o "$floor" "$HOLDFAST_ROOT/deploy/lib/bench/floor.c"
  say "3 nodes; guests of $memory MB that do a little every $period ms; the load is $(cut -d' ' -f1-3 /proc/loadavg)"
  holdfast_up
  measured=$HF_SCRATCH/measured
  : >"$measured"
  configure_guest floor n1 tapf 52:54:00:77:01:00 "$(guest_command_line 1 "$HF_GUESTS.100")"
  node_tap n1 tapf
  # The agents note the steps of each round, after it.
  sed '$a dev.holdfast.agent.round.level = FINE' "$root/usr/lib/holdfast/logging.properties" >"$HF_SCRATCH/logging.properties"
  export HOLDFAST_JAVA_OPTS="${HOLDFAST_JAVA_OPTS:-} -Djava.util.logging.config.file=$HF_SCRATCH/logging.properties"
  holdfast_start
  unset HOLDFAST_JAVA_OPTS
  start_guest floor n1
  wait_until 90 "the guest 'floor' does not work" guest_works "$(node_dir n1)/run/vms/floor/console"
  running=0
}

# prime - the archive that an installation has too: hundreds of commands follow.
prime() {
  export HOLDFAST_CACHE_DIR=$root.cache
  [ -n "$(find "$HOLDFAST_CACHE_DIR" -newer "$holdfast" -name '*.[ja][so][at]' 2>/dev/null)" ] || "$root/usr/bin/holdfast-prime" >&2 || warn "going on without an archive"
}

guest_works() { tail -n 5 "$1" 2>/dev/null | grep -a -q '^S .*#'; }

guests_up_to() {
  local i pid started=()
  for ((i = running + 1; i <= $1; i++)); do
    start_vm "$i" &
    started+=($!)
  done
  for pid in "${started[@]}"; do wait "$pid" || die "a guest did not start"; done
  for ((i = running + 1; i <= $1; i++)); do
    wait_until 120 "guest web$i does not work" guest_works "$(console "$i")"
  done
  running=$1
  for ((i = 1; i <= $1; i++)); do hf n1 group add "g$1" "web$i" >/dev/null; done
}

measure_group() {
  local count=$1 i
  say "$count machine(s): $warmup rounds to warm up, then $rounds that count"
  for ((i = 1; i <= warmup; i++)); do
    one_round "$count" "g$count-warm$i" >"$HF_SCRATCH/one"
    [ -s "$HF_SCRATCH/first" ] || cp "$HF_SCRATCH/one" "$HF_SCRATCH/first"
  done
  for ((i = 1; i <= rounds; i++)); do
    one_round "$count" "g$count-round$i" >>"$measured"
    # Not too often, or it would be most of the work; not too seldom, or the chains would grow long.
    [ $((i % 5)) -ne 0 ] || hf n1 checkpoint prune "g$count" --keep-last 1 --yes >/dev/null 2>&1 || die "prune failed"
  done
  hf n1 checkpoint prune "g$count" --keep-last 1 --yes >/dev/null 2>&1 || die "prune failed"
}

# one_round COUNT NAME - prints its measurements as one line of JSON.
one_round() {
  local record floor_us together='' order=$((RANDOM % 2))
  [ "$order" -eq 0 ] || floor_us=$(floor_once)
  checkpoint_once "$1" "$2"
  record=$(cat "$HF_SCRATCH/created")
  [ "$order" -eq 1 ] || floor_us=$(floor_once)
  [ "$1" -eq 1 ] || together=$(floor_together "$1")
  jq -c --argjson vms "$1" --arg floor "$floor_us" --arg together "$together" --arg load "$(cut -d' ' -f1 /proc/loadavg)" '($floor | split(" ") | map(tonumber)) as $f | {
      vms: $vms, round, load: ($load | tonumber), skew: .skew_nanos, floor: ($f[0] * 1000), floor_stop: ($f[2] * 1000),
      together: ($together | if . == "" then null else split(" ") | map(tonumber * 1000) end),
      members: [.vms[] | {vm, node, frozen: .frozen_at_nanos, captured: .captured_at_nanos, thawed: .thawed_at_nanos, pause: .pause_nanos}]
    }' <<<"$record"
}

# checkpoint_once COUNT NAME - a round that fails is told, and tried twice more.
checkpoint_once() {
  local try
  for try in '' -b -c; do
    hf n1 checkpoint create "g$1" --name "$2$try" -o json >"$HF_SCRATCH/created" 2>"$HF_SCRATCH/create.err" && return 0
    warn "checkpoint $2 of g$1 failed: $(cat "$HF_SCRATCH/created" "$HF_SCRATCH/create.err" | tail -n 3)"
    echo "$1" >>"$HF_SCRATCH/failed"
    sleep 1
  done
  die "checkpoint $2 of g$1 failed three times"
}

# floor_once - one bare capture of the machine "floor": four numbers.
floor_once() { bare floor n1; }

# floor_together COUNT - bare captures of all members at the same instant, without anything that coordinates them: what this
# machine can do at best. Prints the longest pause and the skew in microseconds.
floor_together() {
  local i at pids=()
  at=$((${EPOCHREALTIME/[.,]/} * 1000 + 700000000))
  for ((i = 1; i <= $1; i++)); do
    bare "web$i" "$(host_of "$i")" --at "$at" >"$HF_SCRATCH/together.$i" &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || die "the floor could not be measured"; done
  for ((i = 1; i <= $1; i++)); do cat "$HF_SCRATCH/together.$i"; done | awk '
    NR == 1 { first = last = $4 + 0 }
    { if ($1 > most) most = $1; if ($4 < first) first = $4; if ($4 > last) last = $4 }
    END { printf "%d %d\n", most, (last - first) / 1000 }'
}

# bare VM NODE [--at NANOSECONDS] - one run of the floor program on the rescue socket of a machine.
bare() {
  local vm=$1 dir disks=() disk layer overlay top
  dir=$(node_dir "$2")
  shift 2
  top_nodes "$dir/run/vms/$vm/rescue.sock" >"$dir/vms/$vm.tops"
  for disk in d0 d1; do
    layer=$(readlink -f "$dir/vms/$vm.holdfast/head/$disk.qcow2")
    overlay=$dir/vms/$vm-bare-$disk.qcow2
    qemu-img create -q -f qcow2 -F qcow2 -b "$layer" "$overlay"
    top=$(awk -v disk="$disk" '$1 ~ disk { print $2 }' "$dir/vms/$vm.tops")
    disks+=("$top=$layer=$overlay")
  done
  "$floor" "$dir/run/vms/$vm/rescue.sock" "$dir/vms/$vm.bare-memory" $(((memory + 128) << 20)) "$@" "${disks[@]}"
}

# top_nodes SOCKET - device and block node at the top of each disk.
top_nodes() {
  (
    echo '{"execute":"qmp_capabilities"}'
    echo '{"execute":"query-block"}'
    sleep 0.2
  ) | socat -t1 - "UNIX-CONNECT:$1" | jq -r 'select(.return | type == "array") | .return[] | "\(.qdev) \(.inserted["node-name"])"'
}

# collect_steps - what the agents noted of the measured rounds, one JSON line per machine and round: microseconds of each step.
collect_steps() {
  local log
  jq -r .round "$measured" | sort >"$HF_SCRATCH/rounds"
  for log in "$HF_SCRATCH"/n*/log/agent.log; do
    grep -a 'steps us:' "$log" || true
  done | awk -f "$HOLDFAST_ROOT/deploy/lib/bench/steps.awk" -v rounds="$HF_SCRATCH/rounds" >"$HF_SCRATCH/steps"
}

# collect_store_writes - all writes that ZooKeeper has logged; those inside a pause are shown.
collect_store_writes() {
  local java
  java=$(HOLDFAST_PRINT_JAVA=1 "$holdfast")
  "$java" -cp "$root/usr/lib/holdfast/lib/*" "$HOLDFAST_ROOT/deploy/lib/bench/StoreWrites.java" \
    "$(node_dir n1)/state/zookeeper/data/version-2" >"$HF_SCRATCH/writes.log" 2>"$HF_SCRATCH/writes.err" \
    || { cat "$HF_SCRATCH/writes.err" >&2; die "the log of ZooKeeper cannot be read"; }
  awk '{ print $1 }' "$HF_SCRATCH/writes.log" >"$HF_SCRATCH/writes"
  jq -r '.round as $round | .members[] | "\(.frozen / 1e6 | floor) \(.thawed / 1e6 | floor) \(.vm) \($round)"' "$measured" \
    | awk 'NR == FNR { from[NR] = $1; to[NR] = $2; of[NR] = $3 " in " $4; n = NR; next }
      { for (i = 1; i <= n; i++) if ($1 >= from[i] && $1 <= to[i]) print "written while " of[i] " stood still: " $0 }' - "$HF_SCRATCH/writes.log" >&2
}

# checkpoint_figures - one JSON object with everything that is reported.
checkpoint_figures() {
  jq -c -n --slurpfile all "$measured" --slurpfile writes "$HF_SCRATCH/writes" --slurpfile steps "$HF_SCRATCH/steps" \
    --slurpfile first <(cat "$HF_SCRATCH/first" 2>/dev/null) --slurpfile failed <(cat "$HF_SCRATCH/failed" 2>/dev/null) \
    -f "$HOLDFAST_ROOT/deploy/lib/bench/figures.jq"
}

checkpoint_table() {
  checkpoint_figures | jq -r -f "$HOLDFAST_ROOT/deploy/lib/bench/table.jq"
}

checkpoint_json() { checkpoint_figures; }
