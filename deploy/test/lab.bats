#!/usr/bin/env bats
# A real corosync and pacemaker with fencing on three nodes starts, moves and recovers a machine of Holdfast.
# Each test goes on where the one before it ended.

setup_file() {
  export HOLDFAST_LAB=hfbats
  lab=$BATS_TEST_DIRNAME/../lab/lab
  # shellcheck source=deploy/lib/common.sh
  . "$BATS_TEST_DIRNAME/../lib/common.sh"
  "$lab" down
  "$lab" up 3 3>&-
  "$lab" wait 90
  "$lab" vm web 3>&-
  "$lab" wait 90
  "$lab" crm n1 configure load update - <"$BATS_TEST_DIRNAME/../lab/base.crm"
}

teardown_file() {
  "$BATS_TEST_DIRNAME/../lab/lab" down
}

setup() {
  lab=$BATS_TEST_DIRNAME/../lab/lab
  state=/dev/shm/$HOLDFAST_LAB
  # shellcheck source=deploy/lib/common.sh
  . "$BATS_TEST_DIRNAME/../lib/common.sh"
}

# where - the node on which the cluster says that the machine is started.
where() {
  local node
  for node in n1 n2 n3; do
    "$lab" exec "$node" timeout 5 crm_mon -1 2>/dev/null | sed -n 's/.*web\t.*Started \(n[0-9]\).*/\1/p' | grep . && return 0
  done
  return 1
}

# processes - for each QEMU of the machine, the node in whose cgroup it lives.
processes() {
  local node pid cg
  cg=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$HOLDFAST_LAB
  for node in n1 n2 n3; do
    while read -r pid; do
      if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^qemu.*guest=web,'; then echo "$node"; fi
    done < <(cat "$cg/$node/cgroup.procs" 2>/dev/null)
  done
}

# runs - the cluster says that it runs, and its only process is there. runs_on NODE - there.
runs() {
  local node
  node=$(where) && [ "$(processes)" = "$node" ]
}

runs_on() { runs && [ "$(where)" = "$1" ]; }

# talks - the guest's own console goes on.
talks() {
  local node before
  node=$(where) || return 1
  before=$("$lab" exec "$node" wc -l /run/holdfast/vms/web/console) || return 1
  sleep 2
  [ "$("$lab" exec "$node" wc -l /run/holdfast/vms/web/console)" != "$before" ]
}

@test "pacemaker starts the machine, on one node" {
  wait_until 60 "web does not start" runs
  wait_until 30 "the guest says nothing" talks
}

@test "it moves: it ends on the one node and starts on the other" {
  local from to
  from=$(where)
  to=n1
  [ "$from" != n1 ] || to=n2
  "$lab" exec "$from" crm_resource --move --resource web --node "$to"
  wait_until 60 "web does not move" runs_on "$to"
  wait_until 30 "the guest says nothing" talks
  "$lab" exec "$from" crm_resource --clear --resource web
}

@test "a monitor that fails has it started again" {
  local node pid
  node=$(where)
  pid=$("$lab" exec "$node" cat /run/holdfast/vms/web/pid)
  "$lab" exec "$node" kill -9 "$pid"
  another_process() { runs && [ "$("$lab" exec "$(where)" cat /run/holdfast/vms/web/pid)" != "$pid" ]; }
  wait_until 60 "web is not started again" another_process
}

@test "its node dies: it is fenced, and the machine runs elsewhere" {
  local node
  node=$(where)
  "$lab" crash "$node"
  elsewhere() { runs && [ "$(where)" != "$node" ]; }
  wait_until 90 "web does not come back" elsewhere
  grep -q "on $node" "$state/power/log"
  wait_until 30 "the guest says nothing" talks
}
