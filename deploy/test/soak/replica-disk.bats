#!/usr/bin/env bats
# A machine whose disks alone are replicated (mode = "disk"), under a real corosync and pacemaker with fencing, on three nodes of the
# lab. It boots where it goes on, each time; one guest's disks, one console and one caller outside for all tests: they follow each
# other. Only "deploy/test.sh --soak" runs it.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load ../lab
load ../replica

setup_file() {
  export HOLDFAST_LAB=${HOLDFAST_LAB:-hfsoak}
  replica_setup_file --replicated=disk --output-commit
}
teardown_file() { "$lab" down; }
setup() { replica_setup; }
teardown() { replica_teardown; }

# on_disks - how far the guest's disks are, by its console.
on_disks() { grep -a -o '^S id=1 seq=[0-9]*' "$(console web)" | tail -n 1 | sed 's/.*=//'; }
boots() { stays web | grep -c ' boot$'; }
booted() { [ "$(boots)" -ge "$1" ]; }
booted_at() { stays web | sed -n 's/^RAN n[0-9] \([0-9]*\) .* boot$/\1/p' | tail -n 1; }

# safe NODE - prints what is on the guest's disks, and on those of its standby: an epoch that began later is committed there.
safe() {
  local before epoch
  before=$(on_disks) epoch=$(shown "$1" .epoch)
  wait_until 30 "no epoch is committed" epoch_after "$1" $((epoch + 1))
  echo "$before"
}

# whole BOOTS SEQ - that many boots by now, the last one from disks at SEQ at least and with all that anybody was told; one node at a time.
whole() {
  wait_until 60 "it does not boot" booted "$1"
  talks web
  one_at_a_time web
  stays web
  [ "$(boots)" -eq "$1" ]
  [ "$(booted_at)" -ge "$2" ]
  wait_until 60 "the client hears nothing" heard_after "$(($(now_ms) * 1000))"
  # A guest that has booted counts its answers from the first one again; of its disks nothing is forgotten.
  run -1 grep -e '^WRONG' -e '^BACK [0-9]* seq' "$BATS_FILE_TMPDIR/heard"
}

# dies NODE NEW - the node of the primary does, and the machine boots on the other.
dies() {
  local seq boots
  wait_until 20 "the standby has no score" counts "$2"
  boots=$(boots)
  echo revert >>"$BATS_FILE_TMPDIR/reverts.web"
  seq=$(safe "$1")
  "$lab" crash "$1"
  wait_until 60 "it is not promoted on $2" promoted_on "$2"
  whole $((boots + 1)) "$seq"
  echo "# safe $seq, on the disks of $1 $(stays web | tail -n 2 | sed -n '1s/.* \([0-9]*\) [a-z]*$/\1/p'), booted at $(booted_at) on $2" >&3
}

@test "it is promoted where its disks are, and protected" {
  wait_until 60 "it is not promoted" promoted_on n1
  goes_on
  client_begins 30
  run -0 --separate-stderr on n1 holdfast vm replication web
  [[ $output == *"Mode:        disk"* ]]
  whole 1 0
  no_failures
  nobody_fenced
}

@test "the primary's node dies: it boots at the standby from disks that are not older than the last epoch, and is protected again" {
  local new
  new=$(shown n1 .peer)
  dies n1 "$new"
  goes_on
}

@test "the next one dies: it boots at its standby, and is protected again" {
  local old new
  old=$(promoted)
  new=$(shown "$old" .peer)
  dies "$old" "$new"
  goes_on
  [ "$(fences)" -eq 2 ]
}

@test "switched over: it shuts down, and boots at the standby from all that it has written" {
  local old new seq boots
  old=$(promoted)
  new=$(shown "$old" .peer)
  wait_until 20 "the standby has no score" counts "$new"
  boots=$(boots) seq=$(on_disks)
  on "$old" holdfast vm switchover web
  wait_until 20 "pacemaker does not see it on $new" promoted_on "$new"
  # one-node.awk allows no boot from older data here: each line on the console is of what was on the disks.
  whole $((boots + 1)) "$seq"
  run -0 grep "web is given up, and its guest has shut down" <(on "$old" cat /var/log/holdfast/agent.log)
  goes_on
  run -1 grep -e cli-prefer -e cli-ban <(on "$new" cibadmin --query --scope constraints)
  nobody_fenced
}
