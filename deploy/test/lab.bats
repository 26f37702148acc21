#!/usr/bin/env bats
# Holdfast under a real corosync and pacemaker with fencing, on three nodes of the lab. What the cluster says is held against
# what the guests print on shared storage. Each test begins with w1 on n1, w2 on n2, w3 on n3; pacemaker brings them back there.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load lab

setup_file() { lab_setup_file; }
teardown_file() { "$lab" down; }
setup() { lab_setup; }
teardown() { lab_teardown; }

@test "pacemaker starts each machine, on one node" {
  talks w1 w2 w3
  one_at_a_time w1 w2 w3
  no_failures
}

@test "a person is told to ask pacemaker for a stop or a move, and sees in crm_mon until when a machine is frozen" {
  run -3 on n1 holdfast vm stop w1
  [[ "$output" == *"'crm resource stop w1', or 'pcs resource disable w1'"* ]]
  run -3 on n1 holdfast vm migrate w1 --to n2
  [[ "$output" == *"'crm resource move w1 n2'"* ]]
  on n1 holdfast vm freeze w1 --deadline 60s
  wait_until 50 "crm_mon does not show that w1 is frozen" shows n1 holdfast-frozen '^w1 is frozen until 20[0-9]*-.*Z at the latest$'
  on n1 holdfast vm thaw w1
  wait_until 120 "crm_mon still shows that w1 is frozen" not_shown n1 holdfast-frozen
  talks w1
  no_failures
}

@test "stop and start, move and back: one node at a time, nobody is fenced" {
  on n1 crm_resource --resource w1 --meta --set-parameter target-role --parameter-value Stopped
  wait_until 90 "w1 does not stop" stopped w1
  on n1 crm_resource --resource w1 --meta --delete-parameter target-role
  wait_until 120 "w1 does not start" runs_on w1 n1
  talks w1 # a life that ends before its guest is up leaves nothing on the console
  on n1 crm_resource --move --resource w1 --node n2
  wait_until 120 "w1 does not move" runs_on w1 n2
  talks w1
  on n1 crm_resource --clear --resource w1
  wait_until 120 "w1 does not go home" runs_on w1 n1
  talks w1
  [ "$(lives w1 | tail -n 4 | tr '\n' ' ')" = "n1 n1 n2 n1 " ]
  one_at_a_time w1
  no_failures
  nobody_fenced
}

@test "standby moves a node's machine away, and online brings it back" {
  on n1 crm node standby n3
  wait_until 120 "w3 stays" elsewhere w3 n3
  talks w3
  on n1 crm node online n3
  wait_until 120 "w3 does not go home" runs_on w3 n3
  talks w3
  one_at_a_time w3
  no_failures
  nobody_fenced
}

@test "an agent that is killed, and one that hangs: no monitor fails, nothing is touched" {
  pids_before=$(pids)
  local old hung
  old=$(agent_pid n1)
  hung=$(agent_pid n2)
  on n1 kill -9 "$old"
  on n2 kill -STOP "$hung"
  monitored 8
  on n2 kill -CONT "$hung"
  talks w1 w2
  wait_until 120 "no new agent on n1" agent_answers n1
  wait_until 120 "the agent of n2 does not go on" agent_answers n2
  untouched
}

@test "the ZooKeeper leader is killed, then the whole ensemble hangs and is killed: no monitor fails, nothing is touched" {
  pids_before=$(pids)
  local leading
  leading=$(wait_until 180 "no ZooKeeper server leads" store_leader)
  on "$leading" sh -c 'kill -9 $(cat /run/lab/zookeeper.pid)'
  monitored 4
  for node in n1 n2 n3; do on $node sh -c 'kill -STOP $(cat /run/lab/zookeeper.pid)'; done
  monitored 8
  for node in n1 n2 n3; do on $node sh -c 'kill -9 $(cat /run/lab/zookeeper.pid)'; done
  talks w1 w2 w3
  wait_until 180 "no checkpoint after the store is back" another_checkpoint after-store
  untouched
}

rounds_through() { grep -c '^thawed *n2' "$BATS_TEST_TMPDIR/rounds" || true; }
rounds_after() { [ "$(rounds_through)" -gt "$1" ]; }

@test "100 monitors in a row during a checkpoint, all succeed" {
  pids_before=$(pids)
  on n1 sh -c 'while [ ! -e /run/stop-checkpoints ]; do holdfast checkpoint create shop || echo failed; done' >"$BATS_TEST_TMPDIR/rounds" 2>&1 3>&- &
  local rounds=$!
  wait_until 180 "no round goes through" rounds_after 0
  { # a round comes by meanwhile, however slow
    wait_until 180 "no second round" rounds_after "$(rounds_through)" || true
    on n2 touch /run/enough
  } 3>&- &
  local second=$!
  # shellcheck disable=SC2016  # for the shell on the node
  run -0 on n2 sh -c 'export OCF_RESKEY_vm=w2 OCF_RESOURCE_INSTANCE=w2 OCF_RESKEY_CRM_meta_interval=2000
    frozen=0 i=0
    while [ $i -lt 100 ] || [ ! -e /run/enough ]; do
      [ ! -e /run/holdfast/vms/w2/frozen ] || frozen=$((frozen + 1))
      /usr/lib/ocf/resource.d/holdfast/vm monitor || exit
      i=$((i + 1))
    done
    echo "frozen: $frozen, monitors: $i"'
  echo "$output"
  wait "$second"
  rounds_after 1
  on n2 rm /run/enough
  on n1 touch /run/stop-checkpoints
  wait "$rounds"
  on n1 rm /run/stop-checkpoints
  grep -v '[0-9] %' "$BATS_TEST_TMPDIR/rounds"
  run ! grep -q '^failed' "$BATS_TEST_TMPDIR/rounds"
  talks w1 w2 w3
  untouched
}

# stop VM... / stop_ends VM... - by pacemaker, within the time-out of the stop and without an error.
target() { on n1 crm_resource --resource "$1" --meta "${@:2}" >/dev/null; }
stop() { for vm; do target "$vm" --set-parameter target-role --parameter-value Stopped; done; }
stop_ends() {
  local vm began
  began=$(now_ms)
  for vm; do
    wait_until 120 "$vm does not stop" stopped "$vm"
    echo "$vm stopped after $(($(now_ms) - began)) ms"
  done
  no_failures
  nobody_fenced
}

start() { for vm; do target "$vm" --delete-parameter target-role; done; }
start_ends() {
  local vm
  for vm; do wait_until 120 "$vm does not start again" runs_on "$vm" "n${vm#w}"; done
  talks "$@"
  one_at_a_time "$@"
}

# agent_ends NODE - it is killed, and comes back by itself.
agent_ends() {
  local old
  old=$(agent_pid "$1")
  on "$1" kill -9 "$old"
  wait_until 90 "no new agent on $1" another_agent "$1" "$old"
}
another_agent() { [ "$(agent_pid "$1")" != "$2" ] && agent_answers "$1"; }

@test "a stop ends in time and fences nobody: definition deleted; agent dead; agent hangs and storage full; QEMU hangs" {
  on n1 mv /etc/holdfast/vms/w1.toml /root
  agent_ends n1
  on n2 sh -c 'mv /usr/bin/holdfast /usr/bin/holdfast.away; kill -9 $(cat /run/holdfast/agent.pid)'
  on n3 sh -c 'kill -STOP $(cat /run/holdfast/agent.pid); dd if=/dev/zero of=/run/fill bs=64k; dd if=/dev/zero of=/lab/shared/fill bs=1M; true' 2>/dev/null
  stop w1 w2 w3
  stop_ends w1 w2 w3
  on n3 rm /run/fill /lab/shared/fill
  on n2 mv /usr/bin/holdfast.away /usr/bin/holdfast
  on n1 mv /root/w1.toml /etc/holdfast/vms
  agent_ends n1
  wait_until 90 "no new agent on n2" agent_answers n2
  wait_until 90 "no new agent on n3" agent_answers n3
  start w1 w2 w3
  start_ends w1 w2 w3
  on n3 sh -c 'kill -STOP $(cat /run/holdfast/vms/w3/pid)'
  stop w3
  stop_ends w3
  start w3
  start_ends w3
}

maintained() { on n1 crm_mon -1 | grep -q 'w1.*Started n1.*(\(maintenance\|unmanaged\)'; }

@test "after maintenance the cluster finds a machine where a person has put it, and does not touch it" {
  local pid
  on n1 crm configure property maintenance-mode=true
  wait_until 60 "no maintenance" maintained
  on n1 holdfast vm stop w1 --timeout 1s
  wait_until 90 "w1 does not stop" no_process w1
  on n2 holdfast vm start w1
  pid=$(on n2 cat /run/holdfast/vms/w1/pid)
  on n1 crm_resource --move --resource w1 --node n2 # a person who puts it there wants it there
  on n1 crm_resource --refresh --resource w1
  wait_until 90 "the cluster does not see w1 on n2" runs_on w1 n2
  on n1 crm configure property maintenance-mode=false
  sleep 4
  runs_on w1 n2
  [ "$(on n2 cat /run/holdfast/vms/w1/pid)" = "$pid" ]
  talks w1
  one_at_a_time w1
  on n1 crm_resource --clear --resource w1
  wait_until 120 "w1 does not go home" runs_on w1 n1
  no_failures
  nobody_fenced
}

allow_migrate() { on n1 crm_resource --resource "$1" --meta "${@:2}" >/dev/null; }
move() { on n1 crm_resource --move --resource "$1" --node "$2"; }
go_home() {
  local vm
  for vm; do on n1 crm_resource --clear --resource "$vm"; done
  wait_until 180 "not every machine is at home" at_home
}
# did VM OPERATIONS - since what was noted in before; the last one, a stop of what is no more, comes when crm_mon shows the machine in its place.
did() { [ "$(since "$before" "$1")" = "$2" ]; }

@test "machines move, one of them while it runs; a checkpoint from before is reverted where they are now, and pacemaker sees nothing of it" {
  local before
  talks w1 w2 w3
  checkpoint before-move
  talks w1 w2 w3
  allow_migrate w2 --set-parameter allow-migrate --parameter-value true
  before=$(operations w2)
  moves w2
  move w2 n3
  wait_until 180 "w2 does not move" runs_on w2 n3
  # The stop ends what is no more.
  wait_until 180 "not by these operations" did w2 $'n2 w2 migrate_to 0\nn2 w2 stop 0\nn3 w2 migrate_from 0' || { since "$before" w2 && false; }
  move w1 n2
  wait_until 180 "w1 does not move" runs_on w1 n2
  talks w1 w2

  before=$(operations w1 w2 w3)
  reverts w1 w2 w3
  revert before-move
  sleep 5 # each monitor comes round twice
  managed
  [ "$(operations w1 w2 w3)" = "$before" ]
  [ "$(picture | tr -s ' ')" = $'w1: cluster n2 processes n2 \nw2: cluster n3 processes n3 \nw3: cluster n3 processes n3 ' ]
  talks w1 w2 w3
  wait_until 90 "crm_mon does not show the checkpoint" leader_shows holdfast-checkpoint-shop '^before-move, 20.*T.*Z, under 1 h old$'

  before=$(operations w2)
  moves w2
  go_home w1 w2
  wait_until 180 "not by these operations" did w2 $'n2 w2 migrate_from 0\nn3 w2 migrate_to 0\nn3 w2 stop 0' || { since "$before" w2 && false; }
  talks w1 w2 w3
  one_at_a_time w1 w2 w3
  stays w2 | tail -n 4 | cut -d " " -f 2,5 | tee /dev/stderr | diff - <(printf '%s\n' "n2 boot" "n3 move" "n3 revert" "n2 move")
  no_failures
  nobody_fenced
  allow_migrate w2 --delete-parameter allow-migrate
}

kind() { grep -qs "^kind=$2" "$(inside "n${1#w}" "/run/holdfast/vms/$1/frozen")"; }

# bats test_tags=soak
@test "the leader's agent is killed while machines are held for a revert: crm_mon says so, it is finished or undone, nothing is restarted" {
  local first other before old
  talks w1 w2 w3
  checkpoint held
  talks w1 w2 w3
  before=$(operations w1 w2 w3)
  first=$(leader)
  # One agent hangs until the others have voted, so that it stays undecided.
  case $first in n1) other=n2 hung=n3 ;; n2) other=n3 hung=n1 ;; *) other=n1 hung=n2 ;; esac
  reverts w1 w2 w3
  on $other timeout 120 holdfast checkpoint revert --yes shop@held >"$BATS_TEST_TMPDIR/revert" 2>&1 3>&- &
  local asked=$!
  on $hung timeout 30 sh -c 'until ls /run/holdfast/vms/w*/*/pid; do sleep 0.02; done; kill -STOP $(cat /run/holdfast/agent.pid)' 2>/dev/null
  wait_until 120 "w${other#n} is not held" kind "w${other#n}" hold
  old=$(agent_pid "$first")
  on "$first" kill -9 "$old"
  wait_until 120 "crm_mon does not show what is held" shows $other holdfast-frozen "^w${other#n} is held for r"
  on n1 crm_mon -1 -A
  managed 190
  on $hung sh -c 'kill -CONT $(cat /run/holdfast/agent.pid)'
  wait_until 180 "a machine is still frozen" no_marker
  wait $asked || true
  cat "$BATS_TEST_TMPDIR/revert"
  talks w1 w2 w3
  wait_until 90 "no new agent on $first" another_agent "$first" "$old"
  wait_until 180 "no checkpoint any more" another_checkpoint after-held
  wait_until 90 "crm_mon still shows what is held" not_shown $other holdfast-frozen
  managed 190
  on n1 crm_resource --cleanup >/dev/null 2>&1
  [ "$(operations w1 w2 w3)" = "$before" ]
  one_at_a_time w1 w2 w3
  nobody_fenced
}
not_shown() { [ -z "$(attribute "$1" "$2")" ]; }

scheduled() { on n1 holdfast schedule list -o json | jq -r ".schedules[] | select(.group == \"shop\") | $1"; }
outcome() { scheduled '.result + ": " + .text' | grep -q "^$1"; }
# skips TEXT - twice in a row, and the leader's log says why, too.
skips() {
  local due
  wait_until 120 "it is not skipped: $1" outcome "skipped: $1"
  due=$(scheduled .last)
  wait_until 120 "the next is not skipped: $1" skipped_after "$due" "$1"
  on "$(leader)" grep -F "the scheduled checkpoint of shop of $due was skipped: $1" /var/log/holdfast/agent.log
}
skipped_after() { [[ "$(scheduled .last)" > "$1" ]] && outcome "skipped: $2"; }
newest() { on n1 holdfast checkpoint list shop -o json | jq -r '[.. | objects | select(.name? and .group?) | .name] | sort | last'; }

# bats test_tags=soak
@test "scheduled checkpoints are skipped while pacemaker is in maintenance-mode or the cluster paused, and go on; crm_mon -A and schedule list say so" {
  local last
  talks w1 w2 w3
  on n1 holdfast schedule set shop --every 4s --disk-only --keep-last 2
  wait_until 180 "none is taken" outcome "taken: scheduled-"
  wait_until 120 "crm_mon does not show it" leader_shows holdfast-checkpoint-shop '^scheduled-[0-9TZ]*, 20.*T.*Z, under 1 h old$'
  on n1 crm configure property maintenance-mode=true
  skips "pacemaker's maintenance-mode is on"
  last=$(newest)
  on n1 crm configure property maintenance-mode=false
  wait_until 120 "none is taken after maintenance" outcome "taken: scheduled-"
  [[ "$(newest)" > "$last" ]]
  on n1 holdfast cluster pause --reason "moving house"
  skips "the cluster is paused: moving house"
  wait_until 120 "crm_mon does not show the pause" shows n2 holdfast-degraded '^the cluster is paused: moving house$'
  on n1 crm_mon -1 -A
  on n1 holdfast cluster resume
  wait_until 120 "none is taken after the pause" outcome "taken: scheduled-"
  on n1 holdfast schedule list
  on n1 holdfast schedule remove shop
  wait_until 120 "crm_mon still shows the pause" not_shown n2 holdfast-degraded
  managed
  nobody_fenced
}

@test "a node is cut off: it is fenced, its machine runs elsewhere, and moves home while it runs when the network is back" {
  allow_migrate w3 --set-parameter allow-migrate --parameter-value true
  "$lab" cut n3
  wait_until 120 "n3 is not fenced" fenced
  wait_until 120 "w3 does not come back" elsewhere w3 n3
  talks w1 w2 w3
  moves w3
  "$lab" heal n3
  wait_until 180 "w3 does not go home" runs_on w3 n3
  talks w3
  one_at_a_time w1 w2 w3
  stays w3 | tail -n 2
  # Pacemaker moves it as soon as n3 is back, and n3's agent is not there yet: it is waited for, and the guest runs on.
  [[ "$(stays w3 | tail -n 1)" == "RAN n3 "*" move" ]]
  no_failures
  allow_migrate w3 --delete-parameter allow-migrate
  [ "$(fences)" -eq $((fences_before + 1)) ]
}

@test "a node dies while its machine is frozen for a checkpoint of the group" {
  name=crash-freeze
  crash_when frozen_on_n2
  after_the_crash
}

held_on_n2() { grep -qs '^kind=hold' "/proc/$init/root/run/holdfast/vms/w2/frozen"; }

@test "a node dies while its machine is held for a revert: all of the group are back, or none" {
  name=crash-revert
  talks w1 w2 w3
  checkpoint "$name"
  crash_in_revert held_on_n2
}
