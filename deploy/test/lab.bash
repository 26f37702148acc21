# shellcheck shell=bash
# shellcheck disable=SC2154  # lab is set where the words are loaded, pids_before by the tests
# Words for the tests on the cluster lab. Loaded by the bats files, never run. w1 belongs to n1, w2 to n2, w3 to n3.

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/../lab" && pwd)/lab

lab_setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfbats}
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  "$lab" down
  local began=$SECONDS
  "$lab" up 3 3>&-
  "$lab" wait 300
  echo "# three nodes have a quorum after $((SECONDS - began)) s" >&3
  "$lab" vm --group shop w1 w2 w3 3>&-
  "$lab" wait 300
  "$lab" crm n1 configure load update - <"${lab%/*}/base.crm"
}

lab_setup() {
  state=/dev/shm/$HOLDFAST_LAB
  # shellcheck source=deploy/lib/common.sh
  . "${lab%/*}/../lib/common.sh"
  wait_until 180 "the cluster is not complete" "$lab" wait 1 2>/dev/null
  wait_until 180 "not every machine is at home" at_home
  fences_before=$(fences)
}

# What a failed test leaves: who is where, and what the agents said last.
lab_teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || {
    picture
    "$lab" exec n1 crm_mon -1 --failcounts
    cat "$state"/power/log
    for node in n1 n2 n3; do "$lab" exec "$node" sh -c 'tail -n 8 /var/log/holdfast/agent.log; grep -h vm /var/log/pacemaker/pacemaker.log | tail -n 6'; done
    # What a test may have left would make those after it fail, too.
    "$lab" exec n1 touch /run/stop-checkpoints
    for vm in w1 w2 w3; do "$lab" exec n1 crm_resource --clear --resource "$vm"; done
    "$lab" exec n1 crm configure property maintenance-mode=false
    "$lab" exec n1 holdfast schedule remove shop
    "$lab" exec n1 holdfast cluster resume
  } 2>&1 || true
}

picture() { for vm in w1 w2 w3; do echo "$vm: cluster $(located $vm | tr '\n' ' ') processes $(processes $vm | tr '\n' ' ')"; done; }

# shellcheck source=deploy/lab/exec.bash
. "${lab%/*}/exec.bash"
on() { on_node "$@"; }

# inside NODE PATH - the path of a node's file as seen from this machine.
inside() {
  local init
  read -r init <"$state/$1/init.pid"
  echo "/proc/$init/root$2"
}

# located VM - the nodes on which the cluster says that it is started.
located() { on "${witness:-n1}" timeout 30 crm_mon -1 2>/dev/null | sed -n "s/.*\* $1\t.*:vm):\t *Started \(n[0-9]\).*/\1/p"; }

# processes VM - for each QEMU process of it, the node in whose cgroup it lives.
processes() {
  local node pid words
  for node in n1 n2 n3; do
    while read -r pid; do
      words=()
      { mapfile -d '' -t words <"/proc/$pid/cmdline"; } 2>/dev/null || continue
      if [[ ${words[0]:-} == *qemu-system* && "${words[*]}" == *"guest=$1,"* ]]; then echo "$node"; fi
    done <"$state/cgroup/$node/cgroup.procs"
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

# talks VM... - each guest writes on to its console on shared storage; one that boots does when it is up.
talks() {
  local vm
  for vm; do wait_until 120 "guest $vm says nothing" grown "$vm" "$(($(size "$vm") + 400))"; done
}

# moves VM... and reverts VM... - are about to happen, which the proof has to know.
moves() { local vm; for vm; do echo move >>"$BATS_FILE_TMPDIR/moves.$vm"; done; }
reverts() { local vm; for vm; do echo revert >>"$BATS_FILE_TMPDIR/reverts.$vm"; done; }
count() { grep -c . "$BATS_FILE_TMPDIR/$1" 2>/dev/null || true; }

# stays VM - where it has been, in order, one line each; false if it was on two nodes at once.
stays() { awk -f "${lab%/*}/one-node.awk" -v moves="$(count "moves.$1")" -v reverts="$(count "reverts.$1")" "$(console "$1")"; }

# one_at_a_time VM... - from the guests' own consoles.
one_at_a_time() {
  local vm
  for vm; do stays "$vm" >"$BATS_TEST_TMPDIR/ran" || { tail -n 5 "$BATS_TEST_TMPDIR/ran"; return 1; }; done
}

# forget_what_did_not_happen VM... - moves and reverts that were announced, and have not happened by now, are none any more.
forget_what_did_not_happen() {
  local vm moved back
  for vm; do
    awk -f "${lab%/*}/one-node.awk" -v used="$BATS_TEST_TMPDIR/used" -v moves=100000 -v reverts=100000 "$(console "$vm")" >/dev/null
    read -r moved back <"$BATS_TEST_TMPDIR/used"
    rm -f "$BATS_FILE_TMPDIR"/{moves,reverts}."$vm"
    while [ $((moved--)) -gt 0 ]; do moves "$vm"; done
    while [ $((back--)) -gt 0 ]; do reverts "$vm"; done
  done
}

# lives VM - on which nodes it has lived, in order.
lives() { stays "$1" | sed -n 's/^RAN \(n[0-9]\).*/\1/p'; }

fences() { grep -c '^.* on n' "$state/power/log" 2>/dev/null || true; }
nobody_fenced() { [ "$(fences)" = "$fences_before" ]; }
fenced() { [ "$(fences)" -gt "$fences_before" ]; }

# healthy - no failed action is on record, and the machines run where they were, in the same processes.
# Degraded (190, 191) is listed there and is none.
no_failures() { ! on n1 crm_mon -1 --output-as=xml | grep '<failure ' | grep -v 'exitcode="19[01]"'; }

# operations VM... - what pacemaker has done to them, one line each: NODE VM OPERATION CALL STATUS. Without monitors.
operations() {
  on n1 crm_mon -1 --operations --output-as=xml | awk -F'"' -v wanted=" $* " '
    /<node_history>/ { history = 1 }
    !history { next }
    /<node / { node = $2 }
    /<resource_history / { vm = $2 }
    /<operation_history / && $4 != "monitor" && index(wanted, " " vm " ") { print node, vm, $4, $2, $6 }'
}
# since OPERATIONS VM... - those that came later, without the number of the call.
since() { diff <(echo "$1" | sort) <(operations "${@:2}" | sort) | sed -n 's/^> //p' | awk '{ print $1, $2, $3, $5 }'; }

# managed [STATUS] - pacemaker has all machines in its hands and running, and has counted no failure. It lists none either, but
# for monitors that ended with STATUS.
managed() {
  local seen
  seen=$(on n1 crm_mon -1 --failcounts --output-as=xml)
  [ "$(grep -c '<resource .*ocf:holdfast:vm.* role="Started" active="true" .*managed="true" failed="false"' <<<"$seen")" -eq 3 ] &&
    ! grep -e '<failure ' -e fail-count= <<<"$seen" | grep -v "exitcode=\"${1:-none}\""
}

# attribute NODE NAME - what a node shows in crm_mon -A.
attribute() {
  on n1 crm_mon -1 -A --output-as=xml | awk -F'"' -v node="$1" -v name="$2" '
    /<node_attributes>/ { there = 1 }
    there && /<node / { at = $2 }
    at == node && /<attribute / && $2 == name { print $4 }'
}
# shows NODE NAME REGEX
shows() { attribute "$1" "$2" | grep -Eq "$3"; }
# leader_shows NAME REGEX - whoever leads when it is asked.
leader_shows() { shows "$(leader)" "$@"; }

leader() { on n1 timeout 30 holdfast cluster status -o json | jq -r .leader; }

# store_leader - the node whose ZooKeeper server leads; fails when none does.
store_leader() {
  local node
  for node in n1 n2 n3; do
    # shellcheck disable=SC2016
    if on $node timeout 2 bash -c 'exec 3<>/dev/tcp/$(hostname)/2181 && printf srvr >&3 && cat <&3' 2>/dev/null | grep -q "^Mode: leader"; then
      echo $node
      return 0
    fi
  done
  return 1
}

pids() { for n in 1 2 3; do echo "w$n $(on n$n cat /run/holdfast/vms/w$n/pid)"; done; }
untouched() { no_failures && nobody_fenced && [ "$(pids)" = "$pids_before" ]; }

# monitored SECONDS - waits until each machine's monitor has come round a few times; nothing has changed by then.
monitored() {
  sleep "$1"
  untouched
}

agent_pid() { on "$1" cat /run/holdfast/agent.pid; }
agent_answers() { on "$1" timeout 30 holdfast vm list >/dev/null 2>&1; }

no_marker() { ! ls "$(inside n1 /run/holdfast/vms)"/*/frozen "$(inside n2 /run/holdfast/vms)"/*/frozen "$(inside n3 /run/holdfast/vms)"/*/frozen 2>/dev/null; }

checkpoint() { on n1 timeout 120 holdfast checkpoint create shop --name "$1"; }
# another_checkpoint PREFIX - with a name of its own each time: of one whose answer was lost nobody knows whether it is there.
another_checkpoint() { checkpoint "$1-$RANDOM$RANDOM"; }

revert() { on n1 timeout 120 holdfast checkpoint revert --yes "shop@$1"; }

# crash_when CONDITION... - starts a checkpoint, or what the array doing says, and kills node n2 as soon as the condition holds. A checkpoint may
# be over before this shell is given a processor again; then there is another one.
crash_when() {
  local round end=$((SECONDS + 120)) tries=1 first=$name
  init=$(cat "$state/n2/init.pid")
  begin_round
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || { cat "$BATS_TEST_TMPDIR/round" && return 1; }
    if [ -z "${doing[*]:-}" ] && ! kill -0 "$round" 2>/dev/null; then
      wait "$round" || true
      name=$first-$((++tries))
      begin_round
    fi
  done
  crash
  wait "$round" || true
  cat "$BATS_TEST_TMPDIR/round"
}
# begin_round - in the background; its process is kept in round.
begin_round() {
  on n1 timeout 120 holdfast checkpoint "${doing[@]:-create}" shop --name "$name" >"$BATS_TEST_TMPDIR/round" 2>&1 3>&- &
  round=$!
}

crash() { kill -9 "$init"; }

# went_back VM... - how often each went on from older data.
went_back() {
  local vm
  for vm; do stays "$vm" | awk -v vm="$vm" '/^RAN/ { n += $3 < last; last = $4 } END { print vm, n + 0 }'; done
}

frozen_on_n2() { [ -e "/proc/$init/root/run/holdfast/vms/w2/frozen" ]; }

# whole_or_gone - the checkpoint verifies, or nothing of it is left.
whole_or_gone() {
  if on n1 holdfast checkpoint list -o json | jq -e --arg name "$name" 'any(.. | objects; .name? == $name)' >/dev/null; then
    on n1 holdfast checkpoint verify "shop@$name"
  else
    run -1 grep . < <(on n1 find /lab/shared/vms -path '*/lost/*' -prune -o -name "*$name*" -print)
  fi
}

after_the_crash() {
  wait_until 90 "n2 is not fenced" fenced
  on n1 crm_mon -1 -A
  wait_until "${stands_still:-30}" "a machine is frozen" no_marker
  talks w1 w3
  wait_until 180 "w2 does not run again" elsewhere w2 nowhere
  talks w2
  wait_until 180 "not every machine is at home" at_home
  wait_until 120 "neither whole nor gone: $name" whole_or_gone
  wait_until 180 "no checkpoint any more" another_checkpoint next
  talks w1 w2 w3 # who comes home boots, and has nothing to say before
  one_at_a_time w1 w2 w3
  [ "$(fences)" -eq $((fences_before + 1)) ]
}

# crash_in_revert CONDITION... - reverts to the checkpoint $name and kills n2 as soon as the condition holds; then all of the
# group are back, or none.
crash_in_revert() {
  local before doing=(revert --yes) stands_still=60
  talks w1 w2 w3 # so that going back can be seen
  reverts w1 w2 w3
  before=$(went_back w1 w2 w3)
  crash_when "$@"
  after_the_crash
  for vm in w1 w2 w3; do stays "$vm" | tail -n 2; done
  run diff -y --suppress-common-lines --width=60 <(echo "$before") <(went_back w1 w2 w3)
  echo "went back: $output"
  [ "${#lines[@]}" -eq 0 ] || [ "${#lines[@]}" -eq 3 ]
}
