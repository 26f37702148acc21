#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh monitor. Sourced, never run; needs common.sh, packages.sh, cluster.sh, holdfast-lab.sh, checkpoint.sh, virsh.sh.
#
# What a monitor of a resource agent costs: ocf:holdfast:vm with a guest of ours, ocf:heartbeat:anything with the same process,
# ocf:heartbeat:Dummy, and ocf:heartbeat:VirtualDomain with a guest under libvirt, as it is and with its writing to the CIB turned
# off. They take turns, all in libvirtd's namespaces, without a cluster. Wall time, and processor time with all children.

heartbeat=/usr/lib/ocf/resource.d/heartbeat

bench_monitor() {
  local i agent
  rounds=${rounds:-60} virsh_guests=1
  if [ ! -e "$heartbeat/VirtualDomain" ]; then
    say "installing resource-agents, which ours is compared with"
    apt_install resource-agents || { apt_refresh && apt_install resource-agents; } \
      || die "resource-agents could not be installed (no network?): apt-get install resource-agents"
  fi
  install_packages libvirt_package_list
  bench_up 1
  guests_up_to 1
  V=$(mktemp -d /var/tmp/hfvirsh.XXXXXX)
  virsh_up
  stopwatch=$V/stopwatch
  gcc -O2 -o "$stopwatch" "$HOLDFAST_ROOT/deploy/lib/bench/stopwatch.c"
  mkdir -p "$V/rsc_tmp"
  ocf Dummy "$heartbeat/Dummy" start "state=$V/dummy" >"$V/one"
  : >"$V/monitors"
  for ((i = 1 - warmup; i <= rounds; i++)); do
    for agent in holdfast anything dummy virtualdomain virtualdomain_tuned; do
      "monitor_$agent" >"$V/one"
      read -r _ _ status <"$V/one"
      [ "$status" -eq 0 ] || die "the monitor of $agent ended with $status"
      [ "$i" -le 0 ] || echo "$agent $(cat "$V/one")" >>"$V/monitors"
    done
  done
  monitor_table >&2
  monitor_figures
}

# ocf NAME AGENT ACTION [PARAMETER=VALUE]... - one call of a resource agent as pacemaker makes it, on the stopwatch.
ocf() {
  local name=$1 agent=$2 action=$3
  shift 3
  in_libvirt env -i PATH="$PATH" LANG=C OCF_ROOT=/usr/lib/ocf OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 \
    OCF_RESOURCE_INSTANCE="$name" OCF_RESOURCE_TYPE="${agent##*/}" OCF_RESKEY_CRM_meta_timeout=20000 HA_RSCTMP="$V/rsc_tmp" \
    HA_LOGFILE=/dev/null HA_DEBUGLOG=/dev/null HOLDFAST_HOME="$root/usr/lib/holdfast" "${@/#/OCF_RESKEY_}" "$stopwatch" "$agent" "$action"
}

monitor_holdfast() {
  ocf web1 "$HOLDFAST_ROOT/ocf-wrapper/vm" monitor vm=web1 run_dir="$(node_dir n1)/run"
}
monitor_anything() {
  ocf any "$heartbeat/anything" monitor binfile=/usr/bin/qemu-system-x86_64 pidfile="$(node_dir n1)/run/vms/web1/pid"
}
monitor_dummy() { ocf Dummy "$heartbeat/Dummy" monitor "state=$V/dummy"; }
monitor_virtualdomain() { ocf vm1 "$heartbeat/VirtualDomain" monitor "config=$V/vm1.xml" hypervisor=qemu:///system; }
monitor_virtualdomain_tuned() {
  ocf vm1 "$heartbeat/VirtualDomain" monitor "config=$V/vm1.xml" hypervisor=qemu:///system \
    autoset_utilization_cpu=false autoset_utilization_hv_memory=false autoset_utilization_host_memory=false
}

# p50 of a column of an agent's lines, in milliseconds.
monitor_p50() {
  awk -v agent="$1" -v column="$2" '$1 == agent { print $column }' "$V/monitors" | sort -n \
    | awk '{ all[NR] = $1 } END { printf "%.2f", all[int((NR + 1) / 2)] / 1000 }'
}

monitor_table() {
  local agent
  printf '%-22s %10s %10s %14s\n' "monitor, $rounds runs" 'wall p50' 'CPU p50' 'CPU / anything'
  for agent in holdfast anything dummy virtualdomain virtualdomain_tuned; do
    printf '%-22s %10s %10s %14s\n' "$agent" "$(monitor_p50 "$agent" 2)" "$(monitor_p50 "$agent" 3)" \
      "$(jq -n "$(monitor_p50 "$agent" 3) / $(monitor_p50 anything 3) * 100 | round / 100")"
  done
  echo 'Milliseconds. virtualdomain_tuned: with autoset_utilization_* off.'
}

monitor_figures() {
  local agent
  for agent in holdfast anything dummy virtualdomain virtualdomain_tuned; do
    jq -c -n --arg agent "$agent" --argjson wall "$(monitor_p50 "$agent" 2)" --argjson cpu "$(monitor_p50 "$agent" 3)" \
      '{agent: $agent, wall: $wall, cpu: $cpu}'
  done | jq -c -s --argjson runs "$rounds" '{
      monitor_ms: (map({(.agent): .wall}) | add),
      monitor_cpu_ms: (map({(.agent): .cpu}) | add),
      runs: $runs
    } | . + {to_anything: (.monitor_ms.holdfast / .monitor_ms.anything * 100 | round / 100),
             to_virtualdomain: (.monitor_ms.holdfast / .monitor_ms.virtualdomain * 1000 | round / 1000)}'
}
