#!/bin/bash
# deploy/demo.sh [OPTION]... - the main job of Holdfast on this machine, on real QEMU and real ZooKeeper, from nothing.
#
#   --nodes N     nodes, each with one virtual machine (default 3; 1 to 9)
#   --memory MB   memory of each virtual machine (default 128, at least 96)
#   --svg FILE    where the picture of the timeline goes (default deploy/target/timeline.svg)
#   --accel WHAT  tcg (default: works everywhere) or kvm
#   --keep        leave the cluster up afterwards, and tell what to type
#   --down        take a cluster down that --keep left up
#   -h, --help    this text
#
# Three nodes in network namespaces of their own; on each a ZooKeeper server, a guard and an agent, and a guest that never
# stops talking to the other guests and writing to its two disks. The group is frozen at one instant, runs on, and is
# brought back; then the guests' own consoles must show that nobody had received what had not been sent, that memory and
# both disks are of one moment, and that the TCP connections go on.
# The last line is JSON. Exit status 0: the checkpoint was consistent.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
. deploy/lib/common.sh
. deploy/lib/packages.sh
. deploy/lib/cluster.sh

nodes=3 memory=128 keep=no accel=tcg svg=
group=shop name=demo

usage_error() {
  warn "$1 (see --help)"
  exit 2
}

number_option() {
  [[ $2 =~ ^[0-9]{1,5}$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] && return 0
  usage_error "$1 takes a number from $3 to $4, not '$2'"
}

while [ $# -gt 0 ]; do
  case $1 in
    --nodes | --memory | --accel | --svg) [ $# -ge 2 ] || usage_error "$1 needs a value" ;;
  esac
  case $1 in
    --nodes)
      number_option "$1" "$2" 1 9
      nodes=$2
      shift
      ;;
    --memory)
      number_option "$1" "$2" 96 65536
      memory=$2
      shift
      ;;
    --accel)
      case $2 in kvm | tcg) accel=$2 ;; *) usage_error "--accel is tcg or kvm, not '$2'" ;; esac
      shift
      ;;
    --svg)
      case $2 in /*) svg=$2 ;; *) svg=$called_from/$2 ;; esac
      shift
      ;;
    --keep) keep=yes ;;
    --down)
      need_root "taking a cluster down"
      cluster_down
      exit 0
      ;;
    -h | --help)
      sed -n '2,18s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) usage_error "unknown option '$1'" ;;
  esac
  shift
done

# ---- the program ----

root=$PWD/deploy/target/root
holdfast=$root/usr/bin/holdfast

build_holdfast() {
  if [ -x "$holdfast" ] && [ -z "$(find pom.xml ./*/pom.xml ./*/src deploy/install ocf-wrapper -type f -newer "$holdfast" -print -quit 2>/dev/null)" ]; then
    return 0
  fi
  say "building Holdfast (mvn package)"
  mvn -q -B -ntp -DskipTests package >&2 || die "the build failed; see above"
  [ -x "$holdfast" ] || die "the build made no $holdfast"
  touch "$holdfast"
}

# hf NODE WORD... - the holdfast command on a node.
hf() {
  local node=$1
  shift
  node_exec "$node" "$holdfast" --config "$(node_dir "$node")/etc/holdfast.toml" "$@"
}

# ---- configuration of a node ----

# One ZooKeeper server per node, on the first three nodes; two nodes have one, because two are no better than one.
stores() { if [ "$nodes" -ge 3 ]; then echo 3; else echo 1; fi; }

join() {
  local IFS=,
  echo "$*"
}

store_addresses() {
  local i list=()
  for ((i = 1; i <= $(stores); i++)); do list+=("$(node_address "n$i")$1"); done
  join "${list[@]}"
}

guest_addresses() {
  local i list=()
  for ((i = 1; i <= nodes; i++)); do list+=("$HF_GUESTS.$i"); done
  join "${list[@]}"
}

secret() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }

configure_node() {
  local i=$1 node=n$1 dir
  dir=$(node_dir "$node")
  cat >"$dir/etc/holdfast.toml" <<TOML
node = "$node"
cluster = "demo"
run_dir = "$dir/run"
state_dir = "$dir/state"
vms_dir = "$dir/etc/vms"
admin_group = "root"

[zookeeper]
connect = "$(store_addresses :2181)"

[channel]
bind_address = "$(node_address "$node")"
TOML
  (
    umask 077
    printf 'holdfast:%s\n' "$store_secret" >"$dir/etc/zookeeper.secret"
    printf '%s\n' "$channel_secret" >"$dir/etc/channel.key"
  )
  cat >"$dir/etc/vms/web$i.toml" <<TOML
name = "web$i"
group = "$group"
machine = "pc-q35-7.2"
accel = "$accel"
cpu = "$([ "$accel" = kvm ] && echo host || echo max)"
memory = "${memory}M"
kernel = "$guest/vmlinuz"
initrd = "$guest/initrd"
append = "$(guest_command_line "$i")"

[[disk]]
id = "d0"
path = "$dir/vms/web$i.holdfast/head/d0.qcow2"

[[disk]]
id = "d1"
path = "$dir/vms/web$i.holdfast/head/d1.qcow2"

[[nic]]
id = "n0"
tap = "tap0"
mac = "52:54:00:77:00:0$i"
TOML
}

guest_command_line() {
  # Under emulation on a busy machine the kernel measures the TSC wrongly and the guest's clock runs several times too fast.
  local clock="tsc=unstable clocksource=hpet"
  [ "$accel" = tcg ] || clock=tsc=reliable
  echo "console=ttyS0 quiet panic=-1 $clock no_timer_check random.trust_cpu=on mitigations=off nokaslr holdfast.id=$1 holdfast.peers=$(guest_addresses) holdfast.period=40 holdfast.status=80"
}

# ---- starting ----

start_store() {
  local i servers=()
  for ((i = 1; i <= $(stores); i++)); do servers+=("$(node_address "n$i"):2888:3888"); done
  for ((i = 1; i <= $(stores); i++)); do
    set -- zookeeper --data "$(node_dir "n$i")/state/zookeeper" --address "$(node_address "n$i")" --port 2181 --id "$i"
    [ "$(stores)" -eq 1 ] || set -- "$@" --servers "$(join "${servers[@]}")"
    node_spawn "n$i" zookeeper "$holdfast" --config "$(node_dir "n$i")/etc/holdfast.toml" "$@"
  done
}

start_node() {
  local dir
  dir=$(node_dir "$1")
  node_spawn "$1" guard "$root/usr/lib/holdfast/holdfast-guard" --socket "$dir/run/guard.sock"
  node_spawn "$1" agent "$holdfast" --config "$dir/etc/holdfast.toml" agent
}

# What was started must live; when it does not, waiting would be in vain.
daemons_live() {
  local file node name
  for file in "$HF_SCRATCH"/n*/log/*.pid; do
    node=${file#"$HF_SCRATCH"/} name=${file##*/}
    node=${node%%/*} name=${name%.pid}
    node_alive "$node" "$name" || die "$name of node $node has ended"
  done
}

nodes_joined() {
  daemons_live
  [ "$(hf n1 cluster status -o json 2>/dev/null | jq '.nodes | length' 2>/dev/null)" = "$nodes" ]
}

start_vm() {
  local i=$1 disk image
  image=$(node_dir "n$i")/vms/empty.qcow2
  qemu-img create -q -f qcow2 "$image" 16M
  for disk in d0 d1; do hf "n$i" vm import-disk "web$i" "$disk" "$image" >/dev/null; done
  hf "n$i" vm start "web$i" >/dev/null
}

console() { echo "$(node_dir "n$1")/run/vms/web$1/console"; }

# All channels of a guest carry messages: its newest whole line shows no channel at zero.
guest_talks() {
  local line
  line=$(tail -n 5 "$(console "$1")" 2>/dev/null | grep -a '^S .*#' | tail -n 1) || return 1
  [ "$nodes" -eq 1 ] && [ -n "$line" ] && return 0
  [[ $line == *recv=* ]] && ! [[ $line =~ (sent|recv)=([0-9:,]*,)?[0-9]+:0[,\ ] ]]
}

guests_talk() {
  local i
  for ((i = 1; i <= nodes; i++)); do guest_talks "$i" || return 1; done
}

guest_came_back() {
  local now
  [ -f "$(console "$1")" ] || return 1
  now=$(grep -a -c '^J .*#' "$(console "$1")" || true)
  [ "$now" -gt "${jumps[$1]}" ] || { [ "$(stat -c %i "$(console "$1")")" != "${inodes[$1]}" ] && [ "$now" -gt 0 ]; }
}

guests_came_back() {
  local i
  for ((i = 1; i <= nodes; i++)); do guest_came_back "$i" || return 1; done
}

show_guests() {
  local i
  for ((i = 1; i <= nodes; i++)); do
    printf '           web%d: %s\n' "$i" "$(tail -n 5 "$(console "$i")" | grep -a '^S .*#' | tail -n 1)" >&2
  done
}

# ---- the end ----

finish() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$status" -ne 0 ] && [ "$status" -lt 128 ] && [ -n "$HF_SCRATCH" ] && [ "$done" = no ]; then show_logs; fi
  if [ "$keep" = yes ] && [ -n "$HF_SCRATCH" ]; then
    cluster_keep
    [ "$done" = yes ] || tell_what_to_type
  elif [ -n "$HF_SCRATCH" ]; then
    cluster_down
  fi
  exit "$status"
}

show_logs() {
  local log
  warn "it failed; the last lines of each log:"
  for log in "$HF_SCRATCH"/n*/log/*.log "$HF_SCRATCH"/n*/run/vms/*/qemu.log; do
    [ -s "$log" ] || continue
    echo "--- ${log#"$HF_SCRATCH"/}" >&2
    tail -n 15 "$log" >&2
  done
}

tell_what_to_type() {
  local on
  on="nsenter --net=/run/netns/$(hf_ns n1) -- $holdfast --config $HF_SCRATCH/n1/etc/holdfast.toml"
  cat >&2 <<TEXT

The cluster is up. To play with it:
  alias hf='$on'
  hf vm list
  hf cluster status
  hf checkpoint create $group --name second
  hf checkpoint list
  hf checkpoint revert $group@second
  tail -f $HF_SCRATCH/n*/run/vms/*/console
Logs and files: $HF_SCRATCH. To take it down: deploy/demo.sh --down
TEXT
}

# ---- the demo ----

done=no
need_root "the demo"
install_packages
build_holdfast
guest=$(deploy/guest/build.sh)
store_secret=$(secret) channel_secret=$(secret)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "$nodes nodes in network namespaces $HF_PREFIX-n1 ..., joined by two switches"
cluster_up "$nodes"
for ((i = 1; i <= nodes; i++)); do
  configure_node "$i"
  node_tap "n$i" tap0
done

say "starting $(stores) ZooKeeper server(s), $nodes guards, $nodes agents"
start_store
for node in $(cluster_nodes); do start_node "$node"; done
wait_until 60 "the agents do not find each other" nodes_joined

say "starting $nodes guests of $memory MB"
started=()
for ((i = 1; i <= nodes; i++)); do
  start_vm "$i" &
  started+=($!)
done
for pid in "${started[@]}"; do wait "$pid" || die "a guest did not start"; done
hf n1 vm list >&2
wait_until 90 "the guests do not talk to each other" guests_talk
say "all guests talk to each other"
show_guests

say "holdfast checkpoint create $group --name $name"
hf n1 checkpoint create "$group" --name "$name" >&2
hf n1 checkpoint show "$group@$name" --svg "${svg:-$PWD/deploy/target/timeline.svg}" >&2

say "the guests run on for 4 s"
sleep 4
show_guests
jumps=() inodes=()
for ((i = 1; i <= nodes; i++)); do
  cp "$(console "$i")" "$HF_SCRATCH/before.$i"
  jumps[i]=$(grep -a -c '^J .*#' "$HF_SCRATCH/before.$i" || true)
  inodes[i]=$(stat -c %i "$(console "$i")")
done

say "holdfast checkpoint revert $group@$name --yes"
hf n1 checkpoint revert "$group@$name" --yes >&2
wait_until 30 "the guests did not come back" guests_came_back
say "all guests are back; they run for 4 s"
sleep 4

say "what the guests' consoles show:"
merged=()
for ((i = 1; i <= nodes; i++)); do
  cat "$HF_SCRATCH/before.$i" "$(console "$i")" >"$HF_SCRATCH/console.$i"
  merged+=("$HF_SCRATCH/console.$i")
done
verdict=$(awk -f deploy/lib/cut-check.awk "${merged[@]}") && consistent=true || consistent=false
echo "$verdict" >&2

hf n1 checkpoint show "$group@$name" -o json >"$HF_SCRATCH/checkpoint.json"
done=yes
if [ "$keep" = yes ]; then tell_what_to_type; fi
jq -c --argjson nodes "$nodes" --argjson consistent "$consistent" --argjson seconds "$(elapsed)" '{
    nodes: $nodes,
    vms: (.vms | length),
    pause_ms: ([.vms[] | {key: .vm, value: (.pause_nanos / 10000 | round / 100)}] | from_entries),
    skew_ms: (.skew_nanos / 10000 | round / 100),
    consistent: $consistent,
    seconds: $seconds
  }' "$HF_SCRATCH/checkpoint.json"
[ "$consistent" = true ]
