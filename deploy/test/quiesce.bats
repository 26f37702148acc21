#!/usr/bin/env bats
# Guests flush their file systems for a checkpoint, and find them usable afterwards: after it, after a revert, after a
# crash of the agent. One cluster for all tests of this file. Needs root; real ZooKeeper, real QEMU, real guest agent.
# bats file_tags=qemu

bats_require_minimum_version 1.5.0

load_lab() {
  export HOLDFAST_PREFIX=hfq
  # shellcheck source=deploy/lib/common.sh
  . "$BATS_TEST_DIRNAME/../lib/common.sh"
  # shellcheck source=deploy/lib/packages.sh
  . "$BATS_TEST_DIRNAME/../lib/packages.sh"
  # shellcheck source=deploy/lib/cluster.sh
  . "$BATS_TEST_DIRNAME/../lib/cluster.sh"
  # shellcheck source=deploy/lib/holdfast-lab.sh
  . "$BATS_TEST_DIRNAME/../lib/holdfast-lab.sh"
  # shellcheck disable=SC2034  # read by holdfast-lab.sh
  nodes=2 memory=96 agents=yes
}

# Two talking guests with a guest agent in group "shop", and one machine without in group "plain".
setup_file() {
  load_lab
  holdfast_prepare
  holdfast_up
  cat >"$(node_dir n2)/etc/vms/mute.toml" <<TOML
name = "mute"
group = "plain"
machine = "pc-q35-7.2"
accel = "tcg"
memory = "32M"

[[disk]]
id = "d0"
path = "$(node_dir n2)/vms/mute.holdfast/head/d0.qcow2"
TOML
  holdfast_start
  guests_start
  hf n2 vm import-disk mute d0 "$(node_dir n2)/vms/web2-empty.qcow2"
  hf n2 vm start mute
  for i in 1 2; do wait_until 120 "guest $i does not write" written "$i" 5; done
  wait_until 60 "mute is not known" is_known mute
}

teardown_file() {
  load_lab
  cluster_attach && cluster_down
}

setup() {
  load_lab
  cluster_attach
}

is_known() { hf n1 group show plain 2>/dev/null | grep -q "$1"; }

# last_write I - the number that guest I wrote to its file system last.
last_write() {
  local line
  line=$(grep -a '^W [0-9]' "$(console "$1")" 2>/dev/null | tail -n 1 | tr -d '\r')
  echo "${line#W }"
}

# written I NUMBER - guest I has got as far.
written() { [ "$(last_write "$1")" -ge "$2" ] 2>/dev/null; }

# goes_on I - guest I writes 5 more.
goes_on() { wait_until 60 "guest $1 does not write any more" written "$1" $(($(last_write "$1") + 5)); }

outcomes() { hf n1 checkpoint show "$1" -o json | jq -c '[.vms[].quiesce]'; }

@test "require: file systems are frozen for the checkpoint and usable afterwards, also in the guests that come back" {
  hf n1 checkpoint create shop --name still --quiesce=require
  [ "$(outcomes shop@still)" = '["done","done"]' ]
  for i in 1 2; do goes_on "$i"; done
  guests_remember
  hf n1 checkpoint revert shop@still --yes
  wait_until 90 "the guests did not come back" guests_came_back
  for i in 1 2; do goes_on "$i"; done
  guests_judge
  for i in 1 2; do [ ! -e "$(node_dir "n$i")/run/vms/web$i/frozen" ]; done
}

@test "a guest that a revert left paused is thawed when it is let run" {
  hf n1 checkpoint revert shop@still --paused --yes
  [ -e "$(node_dir n1)/run/vms/web1/restored-quiesced" ]
  for i in 1 2; do hf "n$i" vm thaw "web$i"; done
  for i in 1 2; do
    wait_until 60 "guest $i does not write" written "$i" 1
    goes_on "$i"
  done
  [ ! -e "$(node_dir n1)/run/vms/web1/restored-quiesced" ]
}

@test "require is refused without a guest agent, try says why it failed" {
  run hf n1 checkpoint create plain --name never --quiesce=require
  echo "$output"
  [ "$status" -eq 3 ]
  [[ "$output" == *"mute has no guest agent"*"guest_agent = true"* ]]
  run hf n1 checkpoint create plain --name never --quiesce=require --dry-run
  [ "$status" -eq 3 ]
  hf n1 checkpoint create plain --name tried --quiesce=try --disk-only
  run outcomes plain@tried
  [[ "$output" == '["failed: '*'guest agent of VM mute'* ]]
}

@test "one machine: a snapshot quiesces, and so does the way back thaw" {
  run hf n2 snapshot create mute --quiesce=require --name never
  echo "$output"
  [ "$status" -eq 3 ]
  run hf n1 snapshot create web1 --quiesce=require --name single
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(hf n1 snapshot show web1 single -o json | jq -r .quiesce)" = "done" ]
  goes_on 1
  hf n1 snapshot revert web1 single --yes
  goes_on 1
}

@test "kill -9 of the agent while a guest is quiesced: its file systems are thawed within a second" {
  local slow=$BATS_TEST_TMPDIR/slow now start
  # The other node needs long for its part, so the round waits for its vote while this guest is quiesced already.
  mkdir "$slow"
  printf '#!/bin/sh\nsleep 8\nexec %s "$@"\n' "$(command -v qemu-img)" >"$slow/qemu-img"
  chmod 755 "$slow/qemu-img"
  node_signal n2 agent KILL
  wait_until 30 "the agent of node 2 does not end" ended n2 agent # what it listens on is not free before
  PATH=$slow:$PATH node_spawn n2 agent "$holdfast" --config "$(node_dir n2)/etc/holdfast.toml" agent
  wait_until 120 "node 2 does not come back" hf n2 vm list
  wait_until 120 "the agents do not find each other" nodes_joined
  hf n1 checkpoint create shop --name cut --quiesce=require --deadline 20s >"$BATS_TEST_TMPDIR/cut" 2>&1 &
  wait_until 60 "guest 1 is not quiesced" is_silent 1 || { cat "$BATS_TEST_TMPDIR/cut"; return 1; }
  now=$(last_write 1)
  node_signal n1 agent KILL
  start=$(now_ms)
  wait_until 5 "guest 1 stays quiesced" written 1 $((now + 1))
  echo "thawed after $(($(now_ms) - start)) ms"
  [ $(($(now_ms) - start)) -lt 1500 ]
  goes_on 1
}

ended() { ! node_alive "$@"; }

# is_silent I - guest I has written nothing for 700 ms.
is_silent() {
  local before
  before=$(last_write "$1")
  sleep 0.7
  [ "$(last_write "$1")" = "$before" ]
}
