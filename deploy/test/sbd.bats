#!/usr/bin/env bats
# Fencing by SBD on three nodes of the lab: slots on a block device that all nodes share, a daemon on each node that reads its own, and
# pacemaker's agent that writes into the slot of whom it wants gone. What this cannot show: the watchdog, without which a node that hangs
# does not read its slot. There is none in the lab, and the machine's own, if it has one, must never be opened: it would reset the machine.
# shellcheck disable=SC2016,SC2034,SC2154  # words for shells on nodes; variables of lab.bash
bats_require_minimum_version 1.5.0
load lab

msgwait=6 # seconds after which pacemaker believes that a slot was read; twice the 3 that a node may take to reset itself

setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfsbd}
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  truncate -s 8M "/dev/shm/$HOLDFAST_LAB.sbd" # in memory: a slow disk of this machine must not look like a lost one
  device=$(losetup -f --show "/dev/shm/$HOLDFAST_LAB.sbd")
  export device
  rm "/dev/shm/$HOLDFAST_LAB.sbd"
  sbd -d "$device" -1 3 -2 1 -3 1 -4 $msgwait create
  "$lab" down
  "$lab" up 3 3>&-
  "$lab" wait 300
  "$lab" vm w3 3>&-
  for node in n1 n2 n3; do watch_slot $node; done
  "$lab" crm n1 configure load update - <<CRM
property stonith-enabled=true stonith-timeout=30s
primitive sbd stonith:external/sbd params sbd_device=$device
primitive w3 ocf:holdfast:vm params vm=w3 shutdown_timeout=1 op start timeout=90s op stop timeout=30s op monitor interval=2s timeout=20s
location w3-home w3 5: n3
CRM
}

teardown_file() {
  "$lab" down
  losetup -d "$device"
}

setup() {
  state=/dev/shm/$HOLDFAST_LAB
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
}

teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || {
    sbd -d "$device" list
    "$lab" exec n1 crm_mon -1 --failcounts
    "$lab" exec n1 grep -h -i -E 'fence|stonith' /var/log/pacemaker/pacemaker.log | tail -n 30
    cat "$state"/power/log "$state"/n3/console
  } 2>&1
}

# watch_slot NODE - starts its daemon, as systemd would before corosync. "env" and not only a file: nothing may open a watchdog.
watch_slot() {
  "$lab" exec "$1" sh -c '
    set -e
    for real in /dev/watchdog*; do [ ! -e "$real" ] || mount --bind /dev/null "$real"; done
    [ ! -e /proc/sysrq-trigger ] || grep -q " /proc/sysrq-trigger " /proc/self/mountinfo
    SBD_WATCHDOG=no SBD_WATCHDOG_DEV=/dev/null SBD_PACEMAKER=no SBD_SYNC_RESOURCE_STARTUP=no \
      sbd -d "$1" -W -W -P -P -n "$2" watch' sh "$device" "$1" 3>&-
}

# slot NODE - what is written there now.
slot() { sbd -d "$device" list | awk -v node="$1" '$2 == node { print $3 }'; }
slot_is() { [ "$(slot "$1")" = "$2" ]; }

@test "the device holds time-outs and a slot for each node; a node that watches its slot takes the message away" {
  run -0 sbd -d "$device" dump
  grep -q "^Timeout (watchdog) : 3$" <<<"$output"
  grep -q "^Timeout (msgwait)  : $msgwait$" <<<"$output"
  for node in n1 n2 n3; do wait_until 90 "$node has no slot" slot_is $node clear; done
  sbd -d "$device" allocate n9
  sbd -d "$device" message n9 test 3>&- & # both wait until it counts as read
  sbd -d "$device" message n2 test
  wait $!
  wait_until 90 "n2 does not read its slot" slot_is n2 clear
  slot_is n9 test # nobody reads that one
}

@test "crm_resource validates the machine: its parameters; at level 10 also what the agent knows, with a warning that fencing is off" {
  local validate=(crm_resource --validate --class ocf --provider holdfast --agent vm --option)
  run -0 on n1 "${validate[@]}" vm=w3
  run -6 on n1 "${validate[@]}" vm=../w3
  [[ $output == *"no name of a machine"* ]]
  run -2 on n1 env OCF_CHECK_LEVEL=10 "${validate[@]}" vm=nobody
  [[ $output == *"nobody: there is no machine nobody on node n1"* && $output != *"stonith-enabled is off"* ]]
  run -0 on n1 sh -c 'cp /var/lib/pacemaker/cib/cib.xml /tmp/off.xml && export CIB_file=/tmp/off.xml OCF_CHECK_LEVEL=10 OCF_RESKEY_vm=w3 &&
    crm_attribute --type crm_config --name stonith-enabled --update false && /usr/lib/ocf/resource.d/holdfast/vm validate-all'
  [[ $output == *"stonith-enabled is off"* ]]
}

# configuration PAGE... - what of them is input for crm: indented, and begins with one of its words. An example may be there twice.
configuration() {
  awk '/^    (property|primitive|location|fencing_topology|group|clone|order|colocation) / { inside = 1 }
    !/^    / { inside = 0 }
    inside && $1 == "property" { for (i = 2; i <= NF; i++) { split($i, pair, "="); property[pair[1]] = $i }; next }
    inside && $1 == "primitive" && seen[$2]++ { sub($2, $2 "-" seen[$2]) }
    inside { print }
    END { printf "property"; for (name in property) printf " %s", property[name]; print "" }' "$@"
}

@test "what the pages tell to configure is understood by crm and pacemaker" {
  configuration "${lab%/*}"/../../docs/{fencing,pacemaker}.md >"$BATS_TEST_TMPDIR/crm"
  primitives=$(grep -c '^ *primitive ' "$BATS_TEST_TMPDIR/crm")
  [ "$primitives" -ge 12 ]
  constraints=$(grep -cE '^ *(location|order|colocation) ' "$BATS_TEST_TMPDIR/crm")
  run -0 on n1 sh -c 'export CIB_file=/tmp/pages.xml
    cibadmin --empty >$CIB_file
    for i in 1 2 3; do cibadmin --create --scope nodes --xml-text "<node id=\"$i\" uname=\"n$i\"/>"; done
    crm -F configure load update - && crm configure show' <"$BATS_TEST_TMPDIR/crm"
  echo "$output"
  [ "$(grep -c '^primitive ' <<<"$output")" -eq "$primitives" ]
  [ "$(grep -cE '^(location|order|colocation) ' <<<"$output")" -eq "$constraints" ]
  # Of fence-agents nothing is installed here, and there is no systemd: crm can read these lines, but does not know their parameters.
  run -1 grep -E 'ERROR|smaller than' < <(grep -vE '(stonith:fence_(sbd|ipmilan|redfish|virsh)|systemd:holdfast): (got no meta-data|no such)' <<<"$output")
}

@test "a node is cut off: it finds the order in its slot and resets itself, and then its machine runs elsewhere" {
  wait_until 180 "w3 does not start" runs_on w3 n3
  talks w3
  fences_before=$(fences)
  local began
  began=$(now_ms)
  "$lab" hold n3
  "$lab" cut n3
  wait_until 180 "n3 has not reset itself" fenced
  slot_is n3 reset
  echo "reset after $(($(now_ms) - began)) ms"
  wait_until 180 "w3 does not come back" elsewhere w3 n3
  echo "runs again after $(($(now_ms) - began)) ms"
  [ $(($(now_ms) - began)) -ge $((msgwait * 1000)) ] # whoever cannot be asked is given the time to read
  talks w3
  one_at_a_time w3
  [ "$(fences)" -eq $((fences_before + 1)) ]
}

@test "the node that comes back clears its slot when it watches it again" {
  slot_is n3 reset
  "$lab" heal n3
  "$lab" unhold n3
  "$lab" on n3
  watch_slot n3
  wait_until 90 "n3 does not clear its slot" slot_is n3 clear
}
