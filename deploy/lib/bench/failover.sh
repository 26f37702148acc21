#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh failover. Sourced, never run; needs common.sh, packages.sh, cluster.sh, holdfast-lab.sh, checkpoint.sh, virsh.sh.
#
# On the lab of three nodes with pacemaker and fencing (deploy/lab): the node that runs the guest crashes, and somebody outside
# who asks the guest 200 times a second waits for the next answer. In turn: a replicated machine of Holdfast, with the disks of
# each node its own, and ocf:heartbeat:VirtualDomain that boots the same guest anew from storage that the nodes share. One of
# them runs at a time. The times in between are from the logs of corosync, pacemaker and the agents.

failover_net=192.168.88
failover_period=50   # ms of an iteration of the guest
failover_up=no
declare -A failover_id=([replica]=1 [cold]=2)

bench_failover() {
  local round kind kinds
  rounds=${rounds:-3}
  failover_lab_up
  : >"$measured"
  for ((round = 1; round <= rounds; round++)); do
    kinds=(replica cold)
    [ $((RANDOM % 2)) -eq 0 ] || kinds=(cold replica)
    for kind in "${kinds[@]}"; do
      failover_once "$kind"
      say "round $round of $rounds, $kind: $(failover_figures | jq -c --arg kind "$kind" '.last[$kind]')"
    done
  done
  failover_figures | jq -r -f "$HOLDFAST_ROOT/deploy/lib/bench/failover-table.jq" >&2
  failover_figures | jq -c 'del(.last)'
}

failover_figures() { jq -c -n --slurpfile all "$measured" -f "$HOLDFAST_ROOT/deploy/lib/bench/failover.jq"; }

# ---- the lab ----

flab() { "$HOLDFAST_ROOT/deploy/lab/lab" "$@"; }
fon() { (flab exec "$@"); }
fswitch() { nsenter --target "$(cat "$failover_state/switch.pid")" --net "$@"; }
fshared() { nsenter --target "$(cat "$failover_state/switch.pid")" --mount "$@"; }
# finside NODE PATH - a file of a node's disk, whether it is on or off.
finside() { echo "$failover_state/$1/upper$2"; }

failover_lab_up() {
  local node package=resource-agents
  package_present "$package" || apt_install "$package" || { apt_refresh && apt_install "$package"; } \
    || die "$package could not be installed (no network?): apt-get install $package"
  install_packages libvirt_package_list
  failover_up=yes
  bench_lab_up hffail
  failover_state=$bench_lab F=$bench_files
  say "the lab is up; the load of the machine is $(cut -d' ' -f1-3 /proc/loadavg)"
  for kind in replica cold; do
    # What the kernel does to find an address again, up to a second later, is not what is measured.
    fswitch ip neigh replace "$failover_net.${failover_id[$kind]}" lladdr "52:54:00:88:00:0${failover_id[$kind]}" dev guests nud permanent
  done
  fshared mkdir -p "$failover_state/shared/guest" "$failover_state/shared/vms"
  fshared cp "$guest/vmlinuz" "$guest/initrd" "$failover_state/shared/guest/"
  for disk in d0 d1; do fshared qemu-img create -q -f qcow2 "$failover_state/shared/vms/cold-$disk.qcow2" 16M; done
  fshared qemu-img create -q -f qcow2 "$failover_state/shared/guest/empty.qcow2" 16M
  failover_xml | fshared tee "$failover_state/shared/vms/cold.xml" >/dev/null
  for node in n1 n2 n3; do failover_node "$node"; done
  flab wait 60
  for disk in d0 d1; do
    wait_until 30 "the agent of n1 does not import a disk" fon n1 holdfast vm import-disk replica "$disk" /lab/shared/guest/empty.qcow2 >/dev/null
  done
  failover_crm | flab crm n1 configure load update -
}

# failover_node NODE - what it has on its own disk, which outlives a crash.
failover_node() {
  local old
  failover_toml | fon "$1" sh -c 'cat >/etc/holdfast/vms/replica.toml'
  qemu_conf | fon "$1" sh -c 'mkdir -p /srv/vms /etc/libvirt && rm -rf /etc/libvirt/qemu/networks/autostart && cat >/etc/libvirt/qemu.conf'
  libvirtd_conf | fon "$1" sh -c 'cat >/etc/libvirt/libvirtd.conf'
  old=$(fon "$1" cat /run/holdfast/agent.pid)
  fon "$1" kill "$old"
  wait_until 60 "the agent of $1 does not start again" failover_agent_restarted "$1" "$old"
  failover_booted "$1"
}

failover_agent_restarted() {
  local pid
  pid=$(fon "$1" cat /run/holdfast/agent.pid 2>/dev/null) && [ "$pid" != "$2" ] && fon "$1" test -S /run/holdfast/agent.sock
}

# failover_booted NODE - what every boot of a node needs.
failover_booted() {
  fon "$1" sh -ec '
    mkdir -p /run/libvirt
    setsid libvirtd --config /etc/libvirt/libvirtd.conf </dev/null >>/var/log/libvirtd.log 2>&1 &'
  wait_until 30 "libvirtd of $1 does not answer" fon "$1" virsh -q -c qemu:///system version >/dev/null 2>&1
}

failover_guest() {
  echo "console=ttyS0 quiet panic=-1 tsc=unstable clocksource=hpet no_timer_check random.trust_cpu=on mitigations=off nokaslr holdfast.id=${failover_id[$1]} holdfast.peers=$failover_net.1,$failover_net.2 holdfast.period=$failover_period holdfast.status=500 holdfast.echo=1"
}

failover_toml() {
  cat <<TOML
name = "replica"
machine = "pc-q35-7.2"
accel = "$accel"
cpu = "$([ "$accel" = kvm ] && echo host || echo max)"
memory = "${memory}M"
kernel = "/lab/shared/guest/vmlinuz"
initrd = "/lab/shared/guest/initrd"
append = "$(failover_guest replica)"

[replication]
standby_dir = "/dev/shm/holdfast"

[[disk]]
id = "d0"
path = "/srv/vms/replica.holdfast/head/d0.qcow2"

[[disk]]
id = "d1"
path = "/srv/vms/replica.holdfast/head/d1.qcow2"

[[nic]]
id = "n0"
tap = "tap0"
mac = "52:54:00:88:00:01"
TOML
}

# VirtualDomain reads the name only where it stands alone on its line.
failover_xml() {
  local type=qemu cpu=maximum disk dev
  [ "$accel" = tcg ] || type=kvm cpu=host-passthrough
  cat <<XML
<domain type='$type'>
  <name>cold</name>
  <memory unit='MiB'>$memory</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <kernel>/lab/shared/guest/vmlinuz</kernel>
    <initrd>/lab/shared/guest/initrd</initrd>
    <cmdline>$(failover_guest cold)</cmdline>
  </os>
  <cpu mode='$cpu'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/lab/shared/vms/cold-d0.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/lab/shared/vms/cold-d1.qcow2'/><target dev='vdb' bus='virtio'/></disk>
    <interface type='bridge'><source bridge='guests'/><mac address='52:54:00:88:00:02'/><model type='virtio'/><rom enabled='no'/></interface>
    <serial type='file'><source path='/var/log/cold.console'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
XML
}

failover_crm() {
  cat <<'CRM'
property stonith-enabled=true stonith-timeout=20s no-quorum-policy=stop cluster-recheck-interval=60s
rsc_defaults migration-threshold=100 failure-timeout=30s
primitive fence stonith:fence_lab params pcmk_host_list="n1 n2 n3" pcmk_host_check=static-list op monitor interval=60s timeout=10s
primitive replica ocf:holdfast:vm params vm=replica shutdown_timeout=0 op start timeout=90s interval=0 op stop timeout=120s interval=0 op promote timeout=60s interval=0 op demote timeout=120s interval=0 op monitor interval=2s timeout=20s role=Promoted op monitor interval=3s timeout=20s role=Unpromoted
clone replica-clone replica meta promotable=true notify=true target-role=Stopped
primitive cold ocf:heartbeat:VirtualDomain params config=/lab/shared/vms/cold.xml hypervisor=qemu:///system force_stop=true autoset_utilization_cpu=false autoset_utilization_hv_memory=false autoset_utilization_host_memory=false op start timeout=90s interval=0 op stop timeout=90s interval=0 op monitor interval=2s timeout=30s meta target-role=Stopped
CRM
}

# ---- one failover ----

failover_resource() { if [ "$1" = replica ]; then echo replica-clone; else echo cold; fi; }

# failover_role KIND Started|Stopped
failover_role() {
  fon n1 crm_resource --resource "$(failover_resource "$1")" --meta --set-parameter target-role --parameter-value "$2" >/dev/null \
    || fon n2 crm_resource --resource "$(failover_resource "$1")" --meta --set-parameter target-role --parameter-value "$2" >/dev/null
}

# failover_processes KIND - "NODE waits|runs" of each process of it. A standby that became the machine was started as one that waits.
failover_processes() {
  local node cg words pid role
  cg=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$HOLDFAST_LAB
  for node in n1 n2 n3; do
    while read -r pid; do
      words=()
      { mapfile -d '' -t words <"/proc/$pid/cmdline"; } 2>/dev/null || continue
      [[ ${words[0]:-} == *qemu-system* && "${words[*]}" == *"guest=$1,"* ]] || continue
      role=runs
      [[ "${words[*]}" != *" -incoming "* ]] || [ -e "/proc/$(cat "$failover_state/$node/init.pid")/root/run/holdfast/vms/$1/promoted" ] || role=waits
      echo "$node $role"
    done < <(cat "$cg/$node/cgroup.procs" 2>/dev/null)
  done
}

# failover_home KIND - the node that runs it.
failover_home() { failover_processes "$1" | sed -n 's/ runs$//p'; }

replica_show() {
  fon "$1" /usr/lib/holdfast/holdfast-ask 5 /run/holdfast/agent.sock '{"id":1,"command":"replica.show","arguments":{"vm":"replica"}}' 2>/dev/null | tail -n 1
}

failover_ready() {
  local home
  home=$(failover_home "$1")
  [[ $home == n? ]] || return 1
  [ "$1" = cold ] || [ "$(replica_show "$home" | jq -r '.result | select(.state == "protected" and (.epochs | length) >= 5) | .state' 2>/dev/null)" = protected ]
}

# answers FILE SECONDS - it has answered lately.
answers() { answered_since "$1" $(($(wall_us) - 100000)); }

answered_since() {
  local at
  at=$(tail -n 1 "$1" | cut -d' ' -f1)
  [ "${at:-0}" -gt "$2" ]
}

failover_stopped() { [ -z "$(failover_processes "$1")" ]; }

# failover_once KIND - one line of JSON: microseconds.
failover_once() {
  local kind=$1 victim crashed log=$F/answers caller node survivors=() dc
  failover_role "$kind" Started
  fswitch "$F/caller" "$failover_net.${failover_id[$kind]}" 7001 5000 >"$log" &
  caller=$!
  wait_until 120 "the guest of $kind does not answer" answers "$log" || failover_die
  wait_until 90 "$kind is not ready for a failover" failover_ready "$kind" || failover_die
  # Other things have come to rest.
  sleep 2
  victim=$(failover_home "$kind")
  dc=$(fon "$victim" crmadmin -D -q 2>/dev/null | tr -d '[:space:]') || dc=
  crashed=$(wall_us)
  flab crash "$victim"
  wait_until 90 "$kind does not answer after the crash of $victim" answered_since "$log" $((crashed + 300000)) || failover_die
  sleep 1
  kill "$caller"
  wait "$caller" 2>/dev/null || true
  for node in n1 n2 n3; do [ "$node" = "$victim" ] || survivors+=("$node"); done
  failover_note "$kind" "$victim" "$crashed" "$log" "$([ "$dc" = "$victim" ] && echo true || echo false)" "${survivors[@]}" >>"$measured"
  wait_until 60 "$victim does not come back" failover_is_back "$victim" "$crashed" || failover_die
  wait_until 90 "the cluster is not complete" flab wait 1 2>/dev/null
  failover_booted "$victim"
  failover_role "$kind" Stopped
  wait_until 60 "$kind does not stop" failover_stopped "$kind" || failover_die
}

failover_is_back() { [ "$(stat -c %Y "$failover_state/$1/init.pid" 2>/dev/null || echo 0)" -gt $(($2 / 1000000)) ] && fon "$1" true 2>/dev/null; }

# stamp_us LINE - microseconds of the date that a line of a log begins with, like "Nov 21 15:44:06.123" or "15:44:06.123".
stamp_us() {
  local text
  if [[ $1 =~ ^([A-Z][a-z][a-z]\ +[0-9]+\ )?([0-9:]{8}\.[0-9]+) ]]; then
    text="${BASH_REMATCH[1]}${BASH_REMATCH[2]}"
    [ -n "${BASH_REMATCH[1]}" ] || text="$(date +%F) $text"
    date -d "$text" +%s%6N
  fi
}

# first_after US WORDS FILE... - the stamp of the first line with these words from then on; null when there is none.
first_after() {
  local from=$1 pattern=$2 line at first=null
  shift 2
  while read -r line; do
    at=$(stamp_us "$line")
    if [ -z "$at" ] || [ "$at" -lt "$from" ]; then continue; fi
    if [ "$first" = null ] || [ "$at" -lt "$first" ]; then first=$at; fi
  done < <(grep -ahE "$pattern" "$@" 2>/dev/null | tail -n 60)
  echo "$first"
}

# failover_note KIND VICTIM CRASHED ANSWERS DC SURVIVOR...
failover_note() {
  local kind=$1 victim=$2 crashed=$3 log=$4 dc=$5 node corosync=() pacemaker=() agent=() lost fenced
  shift 5
  for node; do
    corosync+=("$(finside "$node" /var/log/corosync/corosync.log)")
    pacemaker+=("$(finside "$node" /var/log/pacemaker/pacemaker.log)")
    agent+=("$(finside "$node" /var/log/holdfast/agent.log)")
  done
  lost=$(first_after "$crashed" 'TOTEM.*(A new membership|Members left)' "${corosync[@]}")
  fenced=$(first_after "$crashed" "$victim was terminated|targeting $victim .*: (OK|complete)" "${pacemaker[@]}")
  # The first answer after the silence: what was asked before the crash may still have been on its way.
  awk -v from="$((crashed + 300000))" -v crashed="$crashed" '
    $1 < crashed { before = $4 }
    $1 >= from { print $1, before, $4; exit }' "$log" >"$F/first"
  read -r replied before after <"$F/first" || failover_die
  jq -c -n --arg kind "$kind" --arg victim "$victim" --argjson dc "$dc" --argjson crashed "$crashed" --argjson lost "$lost" --argjson fenced "$fenced" \
    --argjson begun "$(first_after "$crashed" "Requesting local execution of (start|promote) operation for ($kind|replica)" "${pacemaker[@]}")" \
    --argjson asked "$(first_after "$crashed" ' replica: candidate ' "${agent[@]}")" \
    --argjson proven "$(first_after "$crashed" 'what is known of node' "${agent[@]}")" \
    --argjson claimed "$(first_after "$crashed" ' replica: alone ' "${agent[@]}")" \
    --argjson runs "$(first_after "$crashed" 'the guest goes on from epoch' "${agent[@]}")" \
    --argjson replied "$replied" --argjson before "${before:-0}" --argjson after "$after" --argjson period "$failover_period" \
    --arg load "$(cut -d' ' -f1 /proc/loadavg)" '{kind: $kind, victim: $victim, dc: $dc, load: ($load | tonumber), crashed: $crashed, lost: $lost, fenced: $fenced, begun: $begun,
      asked: $asked, proven: $proven, claimed: $claimed, runs: $runs, replied: $replied, back_ms: (($before - $after) * $period)}'
}

# failover_die - shows what the nodes said last.
failover_die() {
  local node
  for node in n1 n2 n3; do
    echo "--- $node"
    tail -n 25 "$(finside "$node" /var/log/holdfast/agent.log)"
    grep -aE 'error|warning' "$(finside "$node" /var/log/pacemaker/pacemaker.log)" | tail -n 12
  done >&2
  fon n1 crm_mon -1 -A -f >&2 || fon n2 crm_mon -1 -A -f >&2 || true
  die "the failover could not be measured"
}

# failover_down - nothing of it stays; called at the end, whatever happened.
failover_down() { [ "$failover_up" = no ] || bench_lab_down; }
