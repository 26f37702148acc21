#!/bin/bash
# deploy/bench.sh checkpoint [OPTION]... - how long a group stands still for a checkpoint, beside what QEMU itself needs.
#
#   --rounds N    checkpoints per size (default 50)
#   --vms LIST    sizes of the group (default 1,2,3,6): one node per machine
#   --memory MB   memory of each machine (default 128)
#   -h, --help    this text
#
# The pause of a round is the longest of its members. Between any two rounds the floor is measured on this machine in the same
# state: one guest alone, frozen by a bare script over QMP (stop, disk transaction, background memory image with the device
# state, resume), by QEMU's own time stamps. Ends with a table and, last, one line of JSON.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/common.sh
. deploy/lib/packages.sh
. deploy/lib/cluster.sh
. deploy/lib/holdfast-lab.sh

rounds=50 sizes=1,2,3,6

usage_error() {
  warn "$1 (see --help)"
  exit 2
}

case ${1:-} in
  checkpoint) shift ;;
  -h | --help)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *) usage_error "what to measure? 'checkpoint', not '${1:-}'" ;;
esac
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage_error "$1 needs a value"
  case $1 in
    --rounds) rounds=$2 ;;
    --vms) sizes=$2 ;;
    --memory) memory=$2 ;;
    *) usage_error "unknown option '$1'" ;;
  esac
  shift 2
done
[[ $rounds =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "--rounds takes a number, not '$rounds'"
[[ $sizes =~ ^[1-9](,[1-9])*$ ]] || usage_error "--vms takes numbers from 1 to 9 with commas, not '$sizes'"
[[ $memory =~ ^[1-9][0-9]{1,4}$ ]] || usage_error "--memory takes MiB, not '$memory'"

# ---- the floor: one guest and a bare script ----

# Started in node n1, like a guest of Holdfast, but known to nobody.
floor_start() {
  local dir=$HF_SCRATCH/floor
  mkdir -p "$dir"
  floor_round=0
  qemu-img create -q -f qcow2 "$dir/d0.0" 16M
  qemu-img create -q -f qcow2 "$dir/d1.0" 16M
  node_exec n1 qemu-system-x86_64 -name floor -machine "pc-q35-7.2,accel=$accel" -cpu max -m "$memory" -nodefaults -display none \
    -kernel "$guest/vmlinuz" -initrd "$guest/initrd" -append "$(guest_command_line 1 | sed 's/holdfast.peers=[^ ]*/holdfast.peers=127.0.0.1/')" \
    -serial "file:$dir/console" -qmp "unix:$dir/qmp,server=on,wait=off" -daemonize -pidfile "$dir/pid" \
    -blockdev "driver=qcow2,node-name=d0-0,file.driver=file,file.filename=$dir/d0.0" -device virtio-blk-pci,drive=d0-0 \
    -blockdev "driver=qcow2,node-name=d1-0,file.driver=file,file.filename=$dir/d1.0" -device virtio-blk-pci,drive=d1-0 \
    -netdev user,id=n0,restrict=on -device virtio-net-pci,netdev=n0,romfile=
  wait_until 60 "the guest of the floor does not run" grep -qa '^S ' "$dir/console"
}

# floor_sample - one pause in milliseconds: from QEMU's STOP event to its RESUME event.
floor_sample() {
  local dir=$HF_SCRATCH/floor last=$floor_round disk actions=()
  floor_round=$((floor_round + 1))
  for disk in d0 d1; do
    qemu-img create -q -f qcow2 -F qcow2 -b "$dir/$disk.$last" "$dir/$disk.$floor_round" 16M
    actions+=("{\"type\":\"blockdev-snapshot\",\"data\":{\"node\":\"$disk-$last\",\"overlay\":\"$disk-$floor_round\"}}")
  done
  : >"$dir/answers"
  # shellcheck disable=SC2094  # the loop at the end reads on purpose what qmp-fd writes meanwhile
  {
    printf '%s\n' '{"execute":"qmp_capabilities"}{"execute":"getfd","arguments":{"fdname":"memory"}}'
    sleep 0.1
    for disk in d0 d1; do
      echo "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"qcow2\",\"node-name\":\"$disk-$floor_round\",\"backing\":null,\"file\":{\"driver\":\"file\",\"filename\":\"$dir/$disk.$floor_round\"}}}"
    done
    echo '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"events","state":true},{"capability":"background-snapshot","state":true}]}}'
    echo '{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":1099511627776}}'
    sleep 0.2
    echo '{"execute":"stop"}'
    echo "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[$(join "${actions[@]}")]}}"
    echo "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"fd:memory\"}}"
    # The answers are complete when the image is.
    for _ in $(seq 100); do
      sleep 0.1
      if grep -qE '"(completed|failed)"' "$dir/answers"; then break; fi
    done
  } | "$guest/qmp-fd" "$dir/qmp" "$dir/memory" >"$dir/answers"
  jq -rs 'def at: .timestamp.seconds * 1000 + .timestamp.microseconds / 1000;
    (map(select(.event == "RESUME"))[0] | at) - (map(select(.event == "STOP"))[0] | at)' "$dir/answers"
}

# ---- the rounds ----

percentile() { sort -n "$1" | awk -v p="$2" '{ v[NR] = $1 } END { i = int(p * NR / 100 + 0.9999); print v[i < 1 ? 1 : i] }'; }

measure() {
  local dir=$HF_SCRATCH round
  for ((round = 1; round <= rounds; round++)); do
    hf n1 checkpoint create "$group" --name "b$round" -o json >"$dir/answer" 2>"$dir/progress" || die "checkpoint $round failed: $(tail -n 3 "$dir/progress")"
    hf n1 checkpoint show "$group@b$round" -o json >"$dir/answer"
    jq '[.vms[].pause_nanos] | max / 1000000' "$dir/answer" >>"$dir/pauses"
    jq '.skew_nanos / 1000000' "$dir/answer" >>"$dir/skews"
    floor_sample >>"$dir/floors"
    if [ $((round % 5)) -eq 0 ]; then hf n1 checkpoint prune "$group" --keep-last 1 --yes >/dev/null 2>&1 || warn "prune failed"; fi
  done
}

report() {
  local dir=$HF_SCRATCH what p row=()
  for what in pauses skews floors; do
    for p in 50 90 99; do row+=("$(percentile "$dir/$what" "$p")"); done
  done
  awk -v n="$nodes" -v values="${row[*]}" 'BEGIN {
    split(values, v, " ")
    printf "%4d  %7.1f %7.1f %7.1f  %7.2f %7.2f %7.2f  %7.1f %7.1f %7.1f  %5.2f\n", n, v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[1] / v[7] }' >>"$table"
  jq -cn --argjson n "$nodes" --argjson v "$(jq -cn '$ARGS.positional' --jsonargs "${row[@]}")" 'def r: . * 100 | round / 100;
    {vms: $n, pause_ms_p50: $v[0] | r, pause_ms_p90: $v[1] | r, pause_ms_p99: $v[2] | r, skew_ms_p50: $v[3] | r, skew_ms_p90: $v[4] | r, skew_ms_p99: $v[5] | r,
     floor_ms_p50: $v[6] | r, floor_ms_p99: $v[8] | r, ratio_p50: ($v[0] / $v[6]) | r}' >>"$results"
}

need_root "the benchmark"
holdfast_prepare
table=$(mktemp) results=$(mktemp)
finish() {
  local status=$?
  trap - EXIT
  if [ "$status" -ne 0 ] && [ "$status" -lt 128 ] && [ -n "$HF_SCRATCH" ]; then show_logs; fi
  [ -z "$HF_SCRATCH" ] || cluster_down
  rm -f "$table" "$results"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for nodes in ${sizes//,/ }; do
  say "$rounds checkpoints of $nodes machine(s)"
  holdfast_up
  holdfast_start
  guests_start
  floor_start
  measure
  report
  cluster_down
done
echo
echo " VMs  pause ms: p50, p90, p99   skew ms: p50, p90, p99   floor ms: p50, p90, p99  ratio"
cat "$table"
jq -cs '{rounds: .}' "$results"
