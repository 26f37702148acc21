#!/usr/bin/env bats
# The long runs on the lab: a node dies in each phase of a round, again and again; and doctor, asked about all that it should see. Only "deploy/test.sh --soak" runs them.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load ../lab

setup_file() {
  export HOLDFAST_LAB=hfsoak
  lab_setup_file
}
teardown_file() { "$lab" down; }
setup() { anew; }

# anew - the cluster is healthy, and there is room for the memory of what is to come.
anew() {
  lab_setup
  on n1 timeout 60 holdfast checkpoint prune shop --keep-last 1 --yes >/dev/null
}
teardown() {
  {
    on n1 crm configure property stonith-enabled=true
    on n3 nft delete table inet shut
    for node in n1 n2 n3; do on "$node" sh -c 'kill -CONT -1'; done
  } >/dev/null 2>&1 || true
  lab_teardown
}

chain() { echo "/proc/$init/root/lab/shared/vms/w2.holdfast"; }
prepares() { [ -e "$(chain)/intent.json" ] || [ -e "$(chain)/snapshots/$name.memory" ]; }
drains() {
  frozen_on_n2 && frozen_once=yes
  [ -n "${frozen_once:-}" ] && ! frozen_on_n2
}
decided() { grep -q '^hashing.*100 %' "$BATS_TEST_TMPDIR/round"; }

@test "a node dies while a checkpoint of the group is prepared" {
  name=crash-prepare
  crash_when prepares
  after_the_crash
}

@test "a node dies while the memory of its machine is written" {
  name=crash-drain
  crash_when drains
  after_the_crash
}

@test "a node dies about when the round is decided" {
  name=crash-decision
  crash_when decided
  after_the_crash
}

@test "a node hangs while its machine is frozen for a checkpoint" {
  name=hang-freeze
  crash() { "$lab" freeze n2; }
  crash_when frozen_on_n2
  after_the_crash
}

# A moment within three seconds from now.
soon() { moment=$(($(now_ms) + $1 + RANDOM % 3000)); }
later() { [ "$(now_ms)" -ge "$moment" ]; }
times_over=${HOLDFAST_CRASHES:-10}
progress() { echo "# $(date +%T) $*" >&3; }

@test "ten times over: a node dies at any moment of a round" {
  local nth moment
  for nth in $(seq "$times_over"); do
    anew
    name=crash-any-$nth
    progress "$name"
    soon 300
    crash_when later
    after_the_crash
  done
}

@test "ten times over: a node dies at any moment of a revert, and all of the group are back, or none" {
  local nth moment doing
  for nth in $(seq "$times_over"); do
    anew
    talks w1 w2 w3
    name=crash-revert-$nth
    progress "$name"
    checkpoint "$name"
    soon 200
    crash_in_revert later
  done
}

settled() { at_home && no_marker; }

@test "ten times over: a node dies at any moment of a move, the one that it leaves or the one to which it goes" {
  local nth moment victim
  on n1 crm_resource --resource w2 --meta --set-parameter allow-migrate --parameter-value true >/dev/null
  for nth in $(seq "$times_over"); do
    anew
    talks w1 w2 w3
    victim=n$((2 + nth % 2))
    progress "move $nth, $victim dies"
    moves w2 w2 w2
    on n1 crm_resource --move --resource w2 --node n3
    moment=$(($(now_ms) + RANDOM % 1500))
    while ! later; do :; done
    echo "$victim dies; before: $(picture | tr '\n' ' ')"
    "$lab" crash $victim
    wait_until 30 "$victim is not fenced" fenced
    wait_until 60 "w2 does not run again" elsewhere w2 nowhere
    talks w1 w2
    wait_until 60 "w3 does not run again" elsewhere w3 nowhere
    on n1 crm_resource --clear --resource w2
    wait_until 60 "not every machine is at home" settled
    talks w1 w2 w3
    one_at_a_time w1 w2 w3
    stays w2 | tail -n 4
    wait_until 60 "no checkpoint any more" checkpoint "after-move-$RANDOM"
    [ "$(fences)" -eq $((fences_before + 1)) ]
  done
}

# out NODE SERVICE / in_again NODE SERVICE - it is killed, and not started again until then.
keeper() { on "$1" sh -c "ps -o ppid= -p \$(cat /run/lab/$2.pid)" | tr -d ' '; }
out() {
  kept[$1.$2]=$(keeper "$1" "$2")
  on "$1" sh -c "kill -STOP ${kept[$1.$2]}; kill -9 \$(cat /run/lab/$2.pid)"
}
in_again() { on "$1" kill -CONT "${kept[$1.$2]}"; }

# doctor_says NODE SUBJECT VERDICT TEXT REMEDY - about that node, seen from n1.
ask_doctor() { on n1 timeout 60 holdfast doctor --all -o json >"$BATS_TEST_TMPDIR/doctor"; }
doctor_says() {
  jq -e --arg node "$1" --arg subject "$2" --arg verdict "$3" --arg text "$4" --arg remedy "$5" '
    any(.checks[]; .node == $node and .subject == $subject and .verdict == $verdict
      and (.text | contains($text)) and (.remedy | contains($remedy)))' "$BATS_TEST_TMPDIR/doctor" >/dev/null
}
# doctor_is_content - none of what the test does is to be seen. What a lab is not (a host with systemd) does not count.
doctor_is_content() {
  ask_doctor || true
  jq -r '.checks[] | select(.verdict != "OK") | "\(.node) \(.subject) \(.verdict): \(.text)"' "$BATS_TEST_TMPDIR/doctor"
  jq -e 'all(.checks[]; .verdict == "OK" or (.subject | IN("guard", "channel", "store", "fencing", "agent", "leader") | not))' \
    "$BATS_TEST_TMPDIR/doctor" >/dev/null
}
doctor_sees() { ask_doctor || true; doctor_says "$@"; }

@test "doctor names a dead guard, a closed port, a ZooKeeper server that is down and fencing that is off, each with what to do" {
  local -A kept
  pids_before=$(pids)
  wait_until 60 "it finds something before there is anything" doctor_is_content
  on n3 nft 'add table inet shut; add chain inet shut input { type filter hook input priority 0; }
    add rule inet shut input tcp dport 7800 drop; add rule inet shut input tcp sport 7800 drop'
  out n2 guard
  out n1 zookeeper
  on n1 crm configure property stonith-enabled=false
  wait_until 30 "it does not see that n3 is cut" doctor_sees n1 channel FAILED "not in the group channel: n3" 7800
  run -1 on n1 holdfast doctor
  echo "$output"
  doctor_says n2 guard FAILED "it does not answer" "systemctl start holdfast-guard"
  doctor_says n1 store WARNING "1 of 3 servers do not serve: 10.77.0.11:2181" "start them"
  doctor_says n1 fencing WARNING "pacemaker does not fence" "stonith-enabled=true"
  doctor_says n3 agent FAILED "n3" "holdfast doctor"
  on n3 nft delete table inet shut
  in_again n2 guard
  in_again n1 zookeeper
  on n1 crm configure property stonith-enabled=true
  wait_until 60 "it still sees a failure" doctor_is_content
  untouched
}
