#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh soak. Sourced, never run; needs common.sh, packages.sh, cluster.sh, holdfast-lab.sh, lab.sh.
#
# On the lab of three nodes with pacemaker (deploy/lab): a schedule takes a checkpoint of a group of three each second and keeps the
# last five, while each guest writes to two disks and one of them is asked 200 times a second over the network. What grows with time
# shows in what is counted each half minute; what gets slower, in the pauses.

soak_up=no

bench_soak() {
  local end next=0 began
  seconds=${seconds_given:-3600}
  soak_lab_up
  : >"$measured"
  soak_caller
  began=$SECONDS end=$((SECONDS + seconds))
  soak_on n1 holdfast schedule set shop --every 1s --keep-last 5 >/dev/null
  while [ $SECONDS -lt $end ]; do
    soak_sample $((SECONDS - began)) >>"$measured"
    next=$((next + 30))
    while [ $SECONDS -lt $((began + next)) ] && [ $SECONDS -lt $end ]; do sleep 0.5; done
  done
  soak_sample $((SECONDS - began)) >>"$measured"
  soak_on n1 holdfast schedule list -o json >"$S/schedule"
  soak_on n1 holdfast schedule remove shop >/dev/null
  soak_pauses >"$S/pauses"
  soak_figures >"$S/figures"
  jq -r -f "$HOLDFAST_ROOT/deploy/lib/bench/soak-table.jq" "$S/figures" >&2
  jq -c 'del(.samples)' "$S/figures"
  jq -e '.grows == []' "$S/figures" >/dev/null || die "something grows: $(jq -r '.grows | join(", ")' "$S/figures")"
}

slab() { "$HOLDFAST_ROOT/deploy/lab/lab" "$@"; }
soak_on() { (slab exec "$@"); }

soak_lab_up() {
  soak_up=yes
  bench_lab_up hfsoak
  soak_state=$bench_lab S=$bench_files
  slab vm --group shop --watched --card w1 w2 w3
  slab wait 60
  slab crm n1 configure load update - <"$HOLDFAST_ROOT/deploy/lab/base.crm" 2>/dev/null
  for vm in w1 w2 w3; do wait_until 90 "$vm does not start" soak_says "$vm"; done
  say "the lab is up; the load of the machine is $(cut -d' ' -f1-3 /proc/loadavg)"
}
soak_says() { [ -s "$(soak_console "$1")" ]; }
soak_console() { echo "/proc/$(cat "$soak_state/switch.pid")/root$soak_state/shared/console/$1"; }

soak_down() { [ "$soak_up" = no ] || bench_lab_down; }

soak_caller() {
  nsenter --target "$(cat "$soak_state/switch.pid")" --net ip neigh replace 192.168.88.1 lladdr 52:54:00:88:00:01 dev guests nud permanent
  nsenter --target "$(cat "$soak_state/switch.pid")" --net "$S/caller" 192.168.88.1 7001 5000 >"$S/answers" &
}

# soak_sample SECOND - what there is now, as a line of JSON. The heap is what is left of it after a collection, every five minutes.
soak_sample() {
  local node nodes=() heap=no
  [ $(($1 % 300)) -ge 30 ] || heap=yes
  for node in n1 n2 n3; do
    # shellcheck disable=SC2016
    nodes+=("$(soak_on "$node" bash -c '
      of() { awk -v key="$2:" "\$1 == key { print \$2 }" "/proc/$1/status"; }
      descriptors() { find "/proc/$1/fd" -type l | wc -l; }
      heap() { jcmd "$1" GC.run >/dev/null && jcmd "$1" GC.heap_info | awk "/total/ { sub(/.*used /, \"\"); all += \$0 + 0 } END { print all }"; }
      agent=$(cat /run/holdfast/agent.pid) guard=$(cat /run/lab/guard.pid) store=$(cat /run/lab/zookeeper.pid) heap=null store_heap=null
      if [ "$1" = yes ]; then heap=$(heap "$agent") store_heap=$(heap "$store"); fi
      exec 3<>"/dev/tcp/$(hostname)/2181" && printf srvr >&3 && znodes=$(sed -n "s/^Node count: //p" <&3)
      echo "{\"node\": \"$(hostname)\", \"heap_kb\": ${heap:-null}, \"agent_kb\": $(of "$agent" VmRSS), \"threads\": $(of "$agent" Threads),
        \"descriptors\": $(descriptors "$agent"), \"guard_kb\": $(of "$guard" VmRSS), \"guard_descriptors\": $(descriptors "$guard"),
        \"store_heap_kb\": ${store_heap:-null}, \"store_kb\": $(of "$store" VmRSS), \"store_threads\": $(of "$store" Threads), \"znodes\": ${znodes:-null},
        \"state_kb\": $(du -sk /var/lib/holdfast | cut -f 1), \"log_kb\": $(du -sk /var/log/holdfast | cut -f 1)}"' bash $heap)")
  done
  # shellcheck disable=SC2016
  soak_on n1 bash -c 'cd /lab/shared/vms && printf "%s %s %s\n" "$(ls */layers | grep -c qcow2)" "$(ls */snapshots | grep -c memory)" \
    "$(for vm in w1 w2 w3; do qemu-img info -U --backing-chain --output=json "$vm.holdfast/head/d0.qcow2" | jq length; done | sort -n | tail -n 1)"' |
    jq -cR --argjson second "$1" --arg load "$(cut -d' ' -f1 /proc/loadavg)" 'split(" ") | map(tonumber) as [$layers, $memories, $chain]
      | {second: $second, load: ($load | tonumber), layers: $layers, memories: $memories, chain: $chain, nodes: $ARGS.positional | map(fromjson)}' --args "${nodes[@]}"
}

# soak_pauses - each pause of each guest: VM, when it began (ms of its date), how long it was (ms).
soak_pauses() {
  local vm
  for vm in w1 w2 w3; do
    jq -rR 'fromjson? | select(.event == "STOP" or .event == "RESUME") | "\(.timestamp.seconds * 1000 + .timestamp.microseconds / 1000) \(.event)"' "$(soak_console "$vm").events" |
      awk -v vm="$vm" '$2 == "STOP" { since = $1 } $2 == "RESUME" && since { printf "%s %.3f %.3f\n", vm, since, $1 - since; since = 0 }'
  done
}

soak_figures() {
  jq -c -n --slurpfile samples "$measured" --rawfile pauses "$S/pauses" --slurpfile schedule "$S/schedule" \
    --argjson answers "$(wc -l <"$S/answers")" -f "$HOLDFAST_ROOT/deploy/lib/bench/soak.jq"
}
