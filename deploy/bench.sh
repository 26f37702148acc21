#!/bin/bash
# deploy/bench.sh checkpoint|virsh|launcher|monitor|epochs|failover|increments|soak|scale [OPTION]... - measures Holdfast on this machine, on real QEMU.
#
#   checkpoint  pause and skew of cluster checkpoints on three nodes, each round beside the floor: the same capture of one
#               machine by a bare program, without Holdfast
#   virsh       what an administrator does today with three guests under libvirt, beside Holdfast
#   launcher    how fast the command line and the agent start, and what memory the agent takes
#   monitor     what a monitor of the resource agent costs, beside those of anything, Dummy and VirtualDomain
#   epochs      pauses, lengths and price of the epochs of a replicated machine at three intervals, beside the floor
#   failover    from the crash of a node to the guest's first answer: a replicated machine, and one that VirtualDomain boots anew
#   increments  what is written for a checkpoint of a raw disk that is copied in increments, beside what its guest has dirtied
#   soak        checkpoints each second for an hour under load: what grows, and whether pauses get longer
#   scale       rounds of 10 to 1,000 simulated agents with ten machines each: real protocol and ZooKeeper, no QEMU
#
#   --rounds N     measured rounds of each kind (checkpoint: default 50; virsh: 10; launcher: 10; monitor: 60;
#                  epochs: 2; failover, scale: 3; increments: 5)
#   --vms "N ..."  numbers of machines in the group, for checkpoint (default "1 2 3 6"; each 1 to 9)
#   --seconds N    length of each slice of epochs (default 20; never less than five epochs), or of the soak (default 3600)
#   --intervals "S ..."  seconds from epoch to epoch (default "0.3 1 5")
#   --guests "WHAT ..."  of epochs: io, cpu, or both (default)
#   --mode WHAT    of epochs: checkpoint (default), or disk, which has no floor to compare with
#   --memory MB    memory of each machine (default 128, at least 96)
#   --accel WHAT   tcg (default: works everywhere) or kvm
#   --warmup N     rounds before those that are measured, after each change of the group (default 5)
#   --results FILE every single measurement as JSON lines
#   -h, --help     this text
#
# The last line is JSON. Compare figures of one run only: those of a busy machine move by the half.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
. deploy/lib/common.sh
. deploy/lib/packages.sh
HOLDFAST_PREFIX=${HOLDFAST_PREFIX:-hfbench}
. deploy/lib/cluster.sh
. deploy/lib/holdfast-lab.sh
. deploy/lib/bench/checkpoint.sh
. deploy/lib/bench/virsh.sh
. deploy/lib/bench/launcher.sh
. deploy/lib/bench/monitor.sh
. deploy/lib/bench/epochs.sh
. deploy/lib/bench/lab.sh
. deploy/lib/bench/failover.sh
. deploy/lib/bench/increments.sh
. deploy/lib/bench/soak.sh
. deploy/lib/bench/scale.sh

usage_error() {
  warn "$1 (see --help)"
  exit 2
}

number_option() {
  [[ $2 =~ ^[0-9]{1,5}$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] && return 0
  usage_error "$1 takes a number from $3 to $4, not '$2'"
}

what='' rounds='' counts='1 2 3 6' warmup=5 results='' seconds=20 seconds_given='' epoch_intervals='0.3 1 5' epoch_works='io cpu' epoch_mode=checkpoint
case ${1:-} in
  checkpoint | virsh | launcher | monitor | epochs | failover | increments | soak | scale)
    what=$1
    shift
    ;;
  -h | --help) ;;
  '') usage_error "say what to measure: checkpoint, virsh, launcher, monitor, epochs, failover, increments, soak or scale" ;;
  *) usage_error "unknown measurement '$1'" ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --rounds | --vms | --memory | --accel | --warmup | --seconds | --intervals | --guests | --mode | --results) [ $# -ge 2 ] || usage_error "$1 needs a value" ;;
  esac
  case $1 in
    --rounds)
      number_option "$1" "$2" 1 10000
      rounds=$2
      shift
      ;;
    --vms)
      [[ $2 =~ ^\ *[1-9](\ +[1-9])*\ *$ ]] || usage_error "--vms takes numbers from 1 to 9 with blanks between, not '$2'"
      counts=$(tr -s ' ' '\n' <<<"$2" | grep . | sort -nu | tr '\n' ' ')
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
    --warmup)
      number_option "$1" "$2" 0 1000
      warmup=$2
      shift
      ;;
    --seconds)
      number_option "$1" "$2" 1 86400
      seconds=$2 seconds_given=$2
      shift
      ;;
    --intervals)
      [[ $2 =~ ^\ *[0-9]+(\.[0-9]+)?(\ +[0-9]+(\.[0-9]+)?)*\ *$ ]] || usage_error "--intervals takes seconds with blanks between, not '$2'"
      epoch_intervals=$2
      shift
      ;;
    --guests)
      case $2 in io | cpu | 'io cpu' | 'cpu io') epoch_works=$2 ;; *) usage_error "--guests is io, cpu, or 'io cpu', not '$2'" ;; esac
      shift
      ;;
    --mode)
      case $2 in checkpoint | disk) epoch_mode=$2 ;; *) usage_error "--mode is checkpoint or disk, not '$2'" ;; esac
      shift
      ;;
    --results)
      case $2 in /*) results=$2 ;; *) results=$called_from/$2 ;; esac
      shift
      ;;
    -h | --help)
      sed -n '2,32s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) usage_error "unknown option '$1'" ;;
  esac
  shift
done

finish() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$status" -ne 0 ] && [ "$status" -lt 128 ] && [ -n "$HF_SCRATCH" ]; then show_logs; fi
  case $what in virsh | monitor) virsh_down ;; epochs) epochs_down ;; failover) failover_down ;; soak) soak_down ;; scale) scale_down ;; esac
  if [ -n "$HF_SCRATCH" ]; then
    [ -z "$results" ] || [ ! -f "$HF_SCRATCH/measured" ] || cp "$HF_SCRATCH/measured" "$results"
    cluster_down
  fi
  exit "$status"
}

need_root "a benchmark"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"bench_$what"
