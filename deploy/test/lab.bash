# shellcheck shell=bash
# shellcheck disable=SC2154  # lab is set where the words are loaded, pids_before by the tests
# Words for the tests on the cluster lab. Loaded by the bats files, never run. w1 belongs to n1, w2 to n2, w3 to n3.

lab_setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfbats}
  local lab=$BATS_TEST_DIRNAME/../lab/lab
  [ -x "$lab" ] || lab=$BATS_TEST_DIRNAME/../../lab/lab
  export lab
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  "$lab" down
  "$lab" up 3 3>&-
  "$lab" wait 60
  "$lab" vm --group shop w1 w2 w3 3>&-
  "$lab" wait 60
  "$lab" crm n1 configure load update - <"${lab%/*}/base.crm"
}

lab_setup() {
  state=/dev/shm/$HOLDFAST_LAB
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  wait_until 60 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  wait_until 60 "not every machine is at home: $(picture)" at_home
  fences_before=$(fences)
}

# What a failed test leaves: who is where, and what the agents said last.
lab_teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || {
    picture
    "$lab" exec n1 crm_mon -1 --failcounts
    cat "$state"/power/log
    for node in n1 n2 n3; do "$lab" exec "$node" sh -c 'tail -n 8 /var/log/holdfast/agent.log; grep -h vm /var/log/pacemaker/pacemaker.log | tail -n 6'; done
  } 2>&1
}

picture() { for vm in w1 w2 w3; do echo "$vm: cluster $(located $vm | tr '\n' ' ') processes $(processes $vm | tr '\n' ' ')"; done; }

on() { "$lab" exec "$@"; }

# inside NODE PATH - the path of a node's file as seen from this machine.
inside() { echo "/proc/$(cat "$state/$1/init.pid")/root$2"; }

# located VM - the nodes on which the cluster says that it is started.
located() { on "${witness:-n1}" timeout 10 crm_mon -1 2>/dev/null | sed -n "s/.*\* $1\t.*:vm):\t *Started \(n[0-9]\).*/\1/p"; }

# processes VM - for each QEMU process of it, the node in whose cgroup it lives.
processes() {
  local node pid cg
  cg=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$HOLDFAST_LAB
  for node in n1 n2 n3; do
    while read -r pid; do
      if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "^qemu.*guest=$1,"; then echo "$node"; fi
    done < <(cat "$cg/$node/cgroup.procs" 2>/dev/null)
  done
}

# runs_on VM NODE - the cluster says so, and its only process is there.
runs_on() { [ "$(located "$1")" = "$2" ] && [ "$(processes "$1")" = "$2" ]; }
at_home() { runs_on w1 n1 && runs_on w2 n2 && runs_on w3 n3; }
# elsewhere VM NODE - it runs, and not there.
elsewhere() {
  local node
  node=$(located "$1") && [ -n "$node" ] && [ "$node" != "$2" ] && [ "$(processes "$1")" = "$node" ]
}
no_process() { [ -z "$(processes "$1")" ]; }
stopped() { [ -z "$(located "$1")" ] && [ -z "$(processes "$1")" ]; }

console() { echo "$(inside n1 /lab/shared/console)/$1"; }
size() { stat -c %s "$(console "$1")"; }
grown() { [ "$(size "$1")" -gt "$2" ]; }

# talks VM... - each guest writes on to its console on shared storage.
talks() {
  local vm
  for vm; do wait_until 20 "guest $vm says nothing" grown "$vm" "$(($(size "$vm") + 400))"; done
}

# one_at_a_time VM... - from the guests' own consoles.
one_at_a_time() {
  local vm
  for vm; do awk -f "${lab%/*}/one-node.awk" "$(console "$vm")" >"$BATS_TEST_TMPDIR/ran" || { tail -n 5 "$BATS_TEST_TMPDIR/ran"; return 1; }; done
}

# lives VM - on which nodes it has lived, in order.
lives() { awk -f "${lab%/*}/one-node.awk" "$(console "$1")" | sed -n 's/^RAN \(n[0-9]\).*/\1/p'; }

fences() { grep -c '^.* on n' "$state/power/log" 2>/dev/null || true; }
nobody_fenced() { [ "$(fences)" = "$fences_before" ]; }
fenced() { [ "$(fences)" -gt "$fences_before" ]; }

# healthy - no failed action is on record, and the machines run where they were, in the same processes.
no_failures() { ! on n1 crm_mon -1 --output-as=xml | grep '<failure '; }
pids() { for n in 1 2 3; do echo "w$n $(on n$n cat /run/holdfast/vms/w$n/pid)"; done; }
untouched() { no_failures && nobody_fenced && [ "$(pids)" = "$pids_before" ]; }

# monitored SECONDS - waits until each machine's monitor has come round a few times; nothing has changed by then.
monitored() {
  sleep "$1"
  untouched
}

agent_pid() { on "$1" cat /run/holdfast/agent.pid; }
agent_answers() { on "$1" timeout 10 holdfast vm list >/dev/null 2>&1; }

no_marker() { ! ls "$(inside n1 /run/holdfast/vms)"/*/frozen "$(inside n2 /run/holdfast/vms)"/*/frozen "$(inside n3 /run/holdfast/vms)"/*/frozen 2>/dev/null; }

checkpoint() { on n1 timeout 60 holdfast checkpoint create shop --name "$1"; }
