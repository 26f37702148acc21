#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh epochs. Sourced, never run; needs common.sh, packages.sh, cluster.sh, holdfast-lab.sh, checkpoint.sh.
#
# Two nodes, each with its agent; a machine that writes to both of its disks without a pause, and one that computes. Four kinds
# of slices take turns: the machine alone; with its standby, by the agents; with a standby that two bare QEMU processes and a C
# program make (epoch-floor.c), without the agents, once without network and encryption and once with. Pauses are from STOP to RESUME by
# QEMU's own time stamps in all of them. How much slower the guest gets is told by the guest: what it gets done in a second.

bench_epochs() {
  local work interval round who
  rounds=${rounds:-2}
  local kinds=(ours floor sealed)
  [ "$epoch_mode" = checkpoint ] || kinds=(ours)
  epochs_up
  say "slices of $seconds s; the load of the machine is $(cut -d' ' -f1-3 /proc/loadavg)"
  # The agents compile what they do often; after hours of work nobody would see that.
  seconds=30 slice_ours "${epoch_works%% *}" "${epoch_intervals%% *}"
  : >"$measured"
  for ((round = 1; round <= rounds; round++)); do
    for work in $epoch_works; do
      slice_alone "$work"
      for interval in $epoch_intervals; do
        for who in $(printf '%s\n' "${kinds[@]}" | shuf); do "slice_$who" "$work" "$interval"; done
      done
    done
    say "round $round of $rounds is done"
  done
  epochs_figures | jq -r -f "$HOLDFAST_ROOT/deploy/lib/bench/epochs-table.jq" >&2
  epochs_figures
}

epoch_package_list() { echo 'libssl-dev seals what the floor sends'; }

epochs_figures() { jq -c -n --slurpfile all "$measured" -f "$HOLDFAST_ROOT/deploy/lib/bench/epochs.jq"; }

epochs_up() {
  local node i work interval
  nodes=2
  holdfast_prepare
  install_packages epoch_package_list
  prime
  epoch_floor=$(cache_dir)/bench-epoch-floor
  gcc -O2 -pthread -o "$epoch_floor" "$HOLDFAST_ROOT/deploy/lib/bench/epoch-floor.c" -lcrypto
  cluster_up "$nodes"
  measured=$HF_SCRATCH/measured
  : >"$measured"
  # Where each node keeps its disks, seen by it alone; and what a power failure would empty.
  epoch_disks=$HF_SCRATCH/disks
  epoch_volatile=$(mktemp -d /dev/shm/hfepoch.XXXXXX)
  mkdir "$epoch_disks"
  for ((i = 1; i <= nodes; i++)); do configure_node "$i"; done
  for work in $epoch_works; do
    for interval in $epoch_intervals; do
      for node in n1 n2; do epoch_machine "$work" "$interval" "$node"; done
    done
  done
  # The agents note the steps of each epoch, after it.
  sed '$a dev.holdfast.agent.hypervisor.qemu.level = FINE' "$root/usr/lib/holdfast/logging.properties" >"$HF_SCRATCH/logging.properties"
  export HOLDFAST_JAVA_OPTS="${HOLDFAST_JAVA_OPTS:-} -Djava.util.logging.config.file=$HF_SCRATCH/logging.properties"
  start_store
  for node in n1 n2; do
    node_spawn "$node" guard "$root/usr/lib/holdfast/holdfast-guard" --socket "$(node_dir "$node")/run/guard.sock"
    # shellcheck disable=SC2016  # for the inner shell
    node_spawn "$node" agent unshare --mount --propagation private sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
      "$(node_dir "$node")/vms" "$epoch_disks" "$holdfast" --config "$(node_dir "$node")/etc/holdfast.toml" agent
  done
  unset HOLDFAST_JAVA_OPTS
  wait_until 60 "the agents do not find each other" nodes_joined
  qemu-img create -q -f qcow2 "$HF_SCRATCH/empty.qcow2" 16M
}

epoch_name() { echo "$1-${2/./}"; }

epoch_guest() {
  local what="holdfast.period=0 holdfast.status=50"
  [ "$1" = io ] || what="holdfast.period=50 holdfast.status=50 holdfast.compute=1"
  local clock="tsc=unstable clocksource=hpet"
  [ "$accel" = tcg ] || clock=tsc=reliable
  echo "console=ttyS0 quiet panic=-1 $clock no_timer_check random.trust_cpu=on mitigations=off nokaslr holdfast.id=1 $what"
}

epoch_cpu() { if [ "$accel" = kvm ]; then echo host; else echo max; fi; }

# epoch_machine WORK INTERVAL NODE
epoch_machine() {
  local vm
  vm=$(epoch_name "$1" "$2")
  cat >"$(node_dir "$3")/etc/vms/$vm.toml" <<TOML
name = "$vm"
machine = "pc-q35-7.2"
accel = "$accel"
cpu = "$(epoch_cpu)"
memory = "${memory}M"
kernel = "$guest/vmlinuz"
initrd = "$guest/initrd"
append = "$(epoch_guest "$1")"

[replication]
mode = "$epoch_mode"
interval = "$(awk -v s="$2" 'BEGIN { printf "%d", s * 1000 }')ms"
standby_dir = "$epoch_volatile/$3"

[[disk]]
id = "d0"
path = "$epoch_disks/$vm.holdfast/head/d0.qcow2"

[[disk]]
id = "d1"
path = "$epoch_disks/$vm.holdfast/head/d1.qcow2"
TOML
}

# ---- what is measured in a slice ----

# done_by CONSOLE KEY - what the guest says that it has done.
done_by() { tail -c 4096 "$1" 2>/dev/null | grep -a '^S .*#' | tail -n 1 | tr ' ' '\n' | sed -n "s/^$2=//p" | tr -d '\r'; }

# slice_seconds INTERVAL - at least five epochs.
slice_seconds() { awk -v s="$seconds" -v i="$1" 'BEGIN { n = i * 5; print int(n > s ? n : s) }'; }

work_key() { if [ "$1" = io ]; then echo seq; else echo work; fi; }

# watch_work WHO WORK INTERVAL CONSOLE COMMAND... - runs the command; notes what the guest has done in a second meanwhile.
watch_work() {
  local who=$1 work=$2 interval=$3 console=$4 key begun from ended to
  shift 4
  key=$(work_key "$work")
  from=$(done_by "$console" "$key") begun=$(wall_us)
  "$@"
  to=$(done_by "$console" "$key") ended=$(wall_us)
  [[ $from =~ ^[0-9]+$ && $to =~ ^[0-9]+$ ]] || die "the guest does not say what it has done; see $console"
  jq -c -n --arg who "$who" --arg work "$work" --argjson interval "$interval" --argjson n "$((to - from))" --argjson us "$((ended - begun))" \
    --arg load "$(cut -d' ' -f1 /proc/loadavg)" '{who: $who, work: $work, interval: $interval, load: ($load | tonumber), rate: ($n * 1e6 / $us)}' >>"$measured"
}

# ---- by the agents ----

# control NODE COMMAND [MORE-ARGUMENTS] - a command of the resource agent; prints the answer.
control() {
  local answer
  answer=$("$root/usr/lib/holdfast/holdfast-ask" 60 "$(node_dir "$1")/run/agent.sock" \
    "{\"id\":1,\"command\":\"$2\",\"arguments\":{\"vm\":\"$vm\"${3:-}}}" | tail -n 1) || die "$1 does not answer to $2"
  jq -e .result >/dev/null <<<"$answer" || die "$1 does not $2 $vm: $answer"
  jq -c .result <<<"$answer"
}

is_protected() { [ "$(control n1 replica.show | jq -r .state)" = protected ] && [ "$(control n1 replica.show | jq '.epochs | length')" -ge 3 ]; }

# slice_ours WORK INTERVAL
slice_ours() {
  local vm console disk node dir
  vm=$(epoch_name "$1" "$2") dir=$(node_dir n1)
  console=$dir/run/vms/$vm/console
  if [ ! -e "$dir/vms/$vm.holdfast" ]; then
    for disk in d0 d1; do hf n1 vm import-disk "$vm" "$disk" "$HF_SCRATCH/empty.qcow2" >/dev/null; done
  fi
  rm -f "$console"
  for node in n1 n2; do control "$node" replica.start >/dev/null; done
  control n1 replica.promote ',"timeout":"50s"' >/dev/null
  wait_until 90 "the guest of $vm does not work" guest_works "$console"
  wait_until 60 "$vm is not protected" is_protected
  watch_work ours "$1" "$2" "$console" watch_epochs "$1" "$2"
  control n1 replica.stop ',"timeout":"1s"' >/dev/null
  control n2 replica.stop >/dev/null
}

epochs_noted() { sed -n "s/.* $vm: epoch [0-9]* COMMITTED: .* steps us: //p" "$(node_dir n1)/log/agent.log"; }

# watch_epochs WORK INTERVAL - pauses from QEMU's events; lengths and bytes from the agent, which knows the last 60.
watch_epochs() {
  local events=$HF_SCRATCH/events shown=$HF_SCRATCH/shown left listener first ask noted
  first=$(control n1 replica.show | jq .epoch)
  noted=$(epochs_noted | wc -l)
  : >"$shown"
  mkfifo "$HF_SCRATCH/ask"
  socat - "UNIX-CONNECT:$(node_dir n1)/run/vms/$vm/rescue.sock" <"$HF_SCRATCH/ask" >"$events" 2>/dev/null &
  listener=$!
  exec {ask}>"$HF_SCRATCH/ask"
  rm "$HF_SCRATCH/ask"
  echo '{"execute":"qmp_capabilities"}' >&"$ask"
  for ((left = $(slice_seconds "$2"); left > 0; left -= 5)); do
    sleep $((left < 5 ? left : 5))
    control n1 replica.show >>"$shown"
  done
  [ -d "/proc/$listener" ] || die "nobody listens to $vm any more"
  exec {ask}>&-
  wait "$listener" || true
  {
    jq -c 'select(.event == "STOP" or .event == "RESUME") | [.event, .timestamp.seconds * 1000000 + .timestamp.microseconds]' "$events" \
      | jq -c -n --arg work "$1" --argjson interval "$2" 'foreach inputs as $e ({}; if $e[0] == "STOP" then {stopped: $e[1]} else {stopped: null, pause: (if .stopped then $e[1] - .stopped else null end)} end;
        select(.pause) | {who: "ours", work: $work, interval: $interval, pause})'
    epochs_noted | tail -n "+$((noted + 1))" \
      | awk -v work="$1" -v interval="$2" -f "$HOLDFAST_ROOT/deploy/lib/bench/epoch-steps.awk"
    jq -c -s --arg work "$1" --argjson interval "$2" --argjson first "$first" 'map(.epochs[]) | map(select(.epoch > $first)) | unique_by([.epoch, .committed])[]
      | {who: "ours", work: $work, interval: $interval, committed, length: (.length_ms * 1000), bytes}' "$shown"
  } >>"$measured"
}

# ---- by bare processes ----

# slice_alone WORK - what the guest gets done without a standby.
slice_alone() {
  bare_up "$1"
  qmp "$bare/primary/qmp" '{"execute":"cont"}'
  wait_until 90 "the bare guest does not work" guest_works "$bare/primary/console"
  watch_work alone "$1" null "$bare/primary/console" sleep "$seconds"
  bare_down
}

# slice_floor WORK INTERVAL
slice_floor() { slice_bare floor "$1" "$2"; }
slice_sealed() { slice_bare sealed "$1" "$2"; }

# slice_bare WHO WORK INTERVAL
slice_bare() {
  local who=$1 count
  shift
  bare_up "$1"
  bare_attach
  qmp "$bare/primary/qmp" '{"execute":"cont"}'
  wait_until 90 "the bare guest does not work" guest_works "$bare/primary/console"
  bare_epochs "$who" "$2" 3
  count=$(awk -v s="$(slice_seconds "$2")" -v i="$2" 'BEGIN { n = int(s / i + 0.5); print n < 1 ? 1 : n }')
  watch_work "$who" "$1" "$2" "$bare/primary/console" bare_epochs "$who" "$2" "$count"
  awk -v who="$who" -v work="$1" -v interval="$2" '{ printf "{\"who\":\"%s\",\"work\":\"%s\",\"interval\":%s,\"committed\":true,\"pause\":%d,\"length\":%d,\"bytes\":%d,\"waits\":%d,\"sent\":%d,\"followed\":%d}\n", who, work, interval, $1, $2, $3, $4, $5, $7 }' \
    "$bare/epochs" >>"$measured"
  bare_down
}

# bare_epochs WHO INTERVAL COUNT
bare_epochs() {
  local way=()
  [ "$1" = floor ] || way=(sealed)
  "$epoch_floor" "$bare/primary/qmp" "$bare/standby/qmp" "$bare/memory" "$3" "$(awk -v s="$2" 'BEGIN { print int(s * 1000) }')" "${way[@]}" >"$bare/epochs" \
    || die "the floor could not be measured"
}

# bare_up WORK - two processes of the same machine that wait, with the same empty disks, on media like those of the agents.
bare_up() {
  local side disk
  bare=$epoch_volatile/bare
  rm -rf "$bare" "$HF_SCRATCH/bare"
  mkdir -p "$bare/primary" "$bare/standby" "$HF_SCRATCH/bare/primary" "$HF_SCRATCH/bare/standby"
  for side in primary standby; do
    for disk in d0 d1; do
      cp "$HF_SCRATCH/empty.qcow2" "$HF_SCRATCH/bare/$side/$disk.qcow2"
      for image in active hidden; do cp "$HF_SCRATCH/empty.qcow2" "$bare/$side/$disk-$image.qcow2"; done
    done
    bare_start "$side" "$1"
  done
}

# bare_start SIDE WORK
bare_start() {
  local side=$1 disk words=() child
  [ "$side" = primary ] || words=(-incoming defer)
  for disk in d0 d1; do
    words+=(-blockdev "{\"driver\":\"qcow2\",\"node-name\":\"$disk-0\",\"file\":{\"driver\":\"file\",\"filename\":\"$HF_SCRATCH/bare/$side/$disk.qcow2\"}}")
    child=$disk-0
    if [ "$side" = standby ]; then
      words+=(-blockdev "$(bare_overlay "$disk-hidden" "$disk-0")" -blockdev "$(bare_overlay "$disk-active" "$disk-hidden")"
        -blockdev "{\"driver\":\"replication\",\"mode\":\"secondary\",\"node-name\":\"$disk-receiver\",\"top-id\":\"$disk-top\",\"file\":\"$disk-active\"}")
      child=$disk-receiver
    fi
    words+=(-blockdev "{\"driver\":\"quorum\",\"node-name\":\"$disk-top\",\"read-pattern\":\"fifo\",\"vote-threshold\":1,\"children\":[\"$child\"]}"
      -device "virtio-blk-pci,drive=$disk-top,id=$disk,serial=$disk")
  done
  qemu-system-x86_64 -name "guest=bare-$side" -no-user-config -nodefaults -display none -machine "pc-q35-7.2,accel=$accel" -cpu "$(epoch_cpu)" \
    -smp 1 -m "${memory}M" -S -daemonize -pidfile "$bare/$side/pid" -chardev "socket,id=mon,path=$bare/$side/qmp,server=on,wait=off" \
    -mon chardev=mon,mode=control -chardev "socket,id=console0,path=$bare/$side/console.sock,server=on,wait=off,logfile=$bare/$side/console" \
    -serial chardev:console0 -kernel "$guest/vmlinuz" -initrd "$guest/initrd" -append "$(epoch_guest "$2")" "${words[@]}" \
    || die "the bare $side does not start"
}

bare_overlay() {
  echo "{\"driver\":\"qcow2\",\"node-name\":\"$1\",\"file\":{\"driver\":\"file\",\"filename\":\"$bare/standby/$1.qcow2\"},\"backing\":\"$2\"}"
}

# qmp SOCKET COMMAND... - fails when QEMU refuses one.
qmp() {
  local socket=$1 answers
  shift
  answers=$("$root/usr/lib/holdfast/holdfast-ask" 10 "$socket" '{"execute":"qmp_capabilities"}' "$@") || die "QEMU does not answer: $answers"
  [[ $answers != *'"error": {'* ]] || die "QEMU refused: $answers"
}

# The two are alike still, so nothing has to be copied.
bare_attach() {
  local disk server='{"type":"unix","data":{"path":"'$bare/standby
  local words=("{\"execute\":\"nbd-server-start\",\"arguments\":{\"addr\":$server/activate\"}}}}")
  # A process that waits for memory has its disks inactive, until a writable export of them was there.
  for disk in d0 d1; do
    words+=("{\"execute\":\"block-export-add\",\"arguments\":{\"type\":\"nbd\",\"id\":\"a-$disk\",\"node-name\":\"$disk-top\",\"name\":\"$disk\",\"writable\":true}}"
      "{\"execute\":\"block-export-del\",\"arguments\":{\"id\":\"a-$disk\",\"mode\":\"hard\"}}")
  done
  words+=('{"execute":"nbd-server-stop"}' "{\"execute\":\"nbd-server-start\",\"arguments\":{\"addr\":$server/disks\"}}}}")
  for disk in d0 d1; do
    words+=("{\"execute\":\"block-export-add\",\"arguments\":{\"type\":\"nbd\",\"id\":\"c-$disk\",\"node-name\":\"$disk-0\",\"name\":\"$disk\",\"writable\":true}}")
  done
  qmp "$bare/standby/qmp" "${words[@]}" '{"execute":"xen-set-replication","arguments":{"enable":true,"primary":false}}'
  words=()
  for disk in d0 d1; do
    words+=("{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"nbd\",\"node-name\":\"$disk-wire\",\"server\":{\"type\":\"unix\",\"path\":\"$bare/standby/disks\"},\"export\":\"$disk\"}}"
      "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"replication\",\"mode\":\"primary\",\"node-name\":\"$disk-sender\",\"file\":\"$disk-wire\"}}"
      "{\"execute\":\"x-blockdev-change\",\"arguments\":{\"parent\":\"$disk-top\",\"node\":\"$disk-sender\"}}")
  done
  qmp "$bare/primary/qmp" "${words[@]}" '{"execute":"xen-set-replication","arguments":{"enable":true,"primary":true}}'
}

bare_down() {
  local side pid
  for side in primary standby; do
    pid=$(cat "$bare/$side/pid" 2>/dev/null) || continue
    kill -9 "$pid" 2>/dev/null || true
    wait_until 10 "the bare $side does not end" process_gone "$pid"
  done
  rm -rf "$bare"
}

process_gone() { [ ! -d "/proc/$1" ]; }

# epochs_down - called at the end, whatever happened.
epochs_down() {
  [ -z "${bare:-}" ] || bare_down
  case ${epoch_volatile:-} in /dev/shm/hfepoch.??????) rm -rf "$epoch_volatile" ;; esac
}
