#!/bin/bash
# deploy/demo.sh [OPTION]... - the main job of Holdfast on this machine, on real QEMU and real ZooKeeper, from nothing.
#
#   --nodes N     nodes, each with one virtual machine (default 3; 1 to 9)
#   --memory MB   memory of each virtual machine (default 128, at least 96)
#   --svg FILE    where the picture of the timeline goes (default deploy/target/timeline.svg)
#   --accel WHAT  tcg (default: works everywhere) or kvm
#   --qemu10      the first node runs its guest on QEMU 10 (unpacked from Debian's backports), the others on the installed one
#   --keep        leave the cluster up afterwards, and tell what to type
#   --down        take a cluster down that --keep left up
#   -h, --help    this text
#
# Three nodes in network namespaces of their own; on each a ZooKeeper server, a guard and an agent, and a guest that never
# stops talking to the other guests and writing to its two disks. The group is frozen at one instant, runs on, the ZooKeeper
# server that leads is killed (if there are three), and the group is brought back; then the guests' own consoles must show
# that nobody had received what had not been sent, that memory and both disks are of one moment, and that the TCP connections
# go on. An ordinary user can run it, too, when the packages are there: in namespaces of the user's own.
# The last line is JSON. Exit status 0: the checkpoint was consistent.
set -euo pipefail
called_from=$PWD
words=("$@")
cd "$(dirname "$0")/.."
. deploy/lib/common.sh
. deploy/lib/packages.sh
. deploy/lib/cluster.sh
. deploy/lib/holdfast-lab.sh

keep=no svg='' name=demo

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
    --qemu10) qemu10=yes ;;
    --keep) keep=yes ;;
    --down)
      need_root "taking a cluster down"
      cluster_lock
      cluster_down
      exit 0
      ;;
    -h | --help)
      sed -n '2,20s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) usage_error "unknown option '$1'" ;;
  esac
  shift
done

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
[ "$(id -u)" -eq 0 ] || [ "$keep" = no ] || die "--keep needs root: what an ordinary user starts here ends with the script. Run it as: sudo $0"
holdfast_prepare
if [ "$(id -u)" -ne 0 ]; then
  say "going on in namespaces of $(id -un)'s own. There QEMU may not write-protect memory (userfaultfd), so the pauses are longer than root's"
  cd "$called_from"
  own_namespaces "$HOLDFAST_ROOT/deploy/demo.sh" "${words[@]}"
fi
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "$nodes nodes in network namespaces $HF_PREFIX-n1 ..., joined by two switches"
holdfast_up

say "starting $(stores) ZooKeeper server(s), $nodes guards, $nodes agents"
holdfast_start

say "starting $nodes guests of $memory MB"
guests_start
hf n1 vm list >&2
say "all guests talk to each other"
show_guests

say "holdfast checkpoint create $group --name $name"
hf n1 checkpoint create "$group" --name "$name" >&2
hf n1 checkpoint show "$group@$name" --svg "${svg:-$PWD/deploy/target/timeline.svg}" >&2

say "the guests run on for 4 s"
sleep 4
show_guests
if [ "$(stores)" -ge 3 ]; then
  lost=$(store_leader) || die "no ZooKeeper server leads"
  say "kill -9 of the ZooKeeper server that leads, on $lost"
  node_signal "$lost" zookeeper KILL
  wait_until 90 "no other ZooKeeper server leads" store_is_led
  say "the one on $(store_leader) leads now"
fi
guests_remember

say "holdfast checkpoint revert $group@$name --yes"
hf n1 checkpoint revert "$group@$name" --yes >&2
wait_until 90 "the guests did not come back" guests_came_back
say "all guests are back; they run for 4 s"
sleep 4

say "what the guests' consoles show:"
consistent=true
guests_judge >&2 || consistent=false

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
