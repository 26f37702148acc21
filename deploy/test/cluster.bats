#!/usr/bin/env bats
# The lab cluster of network namespaces. Needs root.

bats_require_minimum_version 1.5.0

setup() {
  export HOLDFAST_PREFIX=hft HOLDFAST_SCRATCH=$BATS_TEST_TMPDIR
  # shellcheck source=deploy/lib/common.sh
  . "$BATS_TEST_DIRNAME/../lib/common.sh"
  # shellcheck source=deploy/lib/cluster.sh
  . "$BATS_TEST_DIRNAME/../lib/cluster.sh"
  HOLDFAST_SCRATCH=$(mktemp -d /var/tmp/hfbats.XXXXXX)
}

teardown() {
  cluster_down
  rmdir "$HOLDFAST_SCRATCH"
}

reaches() { node_exec "$1" busybox ping -c 1 -W 1 "$(node_address "$2")" >/dev/null 2>&1; }

@test "nodes reach each other, and a cut takes one off until it is healed" {
  cluster_up 3
  [ "$(cluster_nodes | tr '\n' ' ')" = "n1 n2 n3 " ]
  eventually_reaches n1 n3
  cluster_cut n3
  run ! reaches n1 n3
  reaches n1 n2
  cluster_heal n3
  eventually_reaches n1 n3
  cluster_linkdown n2
  run ! reaches n1 n2
  cluster_linkup n2
  eventually_reaches n1 n2
}

# The kernel tells a switch a moment later that there is somebody at its end of a cable.
eventually_reaches() { wait_until 30 "$1 does not reach $2" reaches "$1" "$2"; }

@test "nothing appears on the machine's own network" {
  before=$(ip -o link | wc -l)
  cluster_up 2
  node_tap n1 tap0
  [ "$(ip -o link | wc -l)" -eq "$before" ]
  run ! busybox ping -c 1 -W 1 "$(node_address n1)"
}

@test "cluster_down ends what was started inside, stopped processes too, and leaves nothing" {
  cluster_up 2
  node_spawn n1 sleeper sleep 300
  pid=$(cat "$(node_dir n1)/log/sleeper.pid")
  node_signal n1 sleeper STOP
  scratch=$HF_SCRATCH
  cluster_down
  wait_until 30 "it has not ended" gone "$pid" # it has left the namespaces a moment before
  [ ! -e "$scratch" ]
  run ! ls "/run/netns/hft-hub"
  cluster_down
}

# gone PID - it has ended, or is a zombie of this test.
gone() { [ ! -d "/proc/$1" ] || grep -qs '^State:.*Z' "/proc/$1/status"; }

@test "a process on a node can be signalled and is seen to end" {
  cluster_up 1
  node_spawn n1 sleeper sleep 300
  node_alive n1 sleeper
  node_signal n1 sleeper KILL
  wait_until 30 "the process still lives" ended n1 sleeper
  run ! node_alive n1 nobody
}

ended() { ! node_alive "$@"; }

@test "a cluster left by a killed script is removed by the next, a kept one is not" {
  cluster_up 1
  old=$HF_SCRATCH
  cluster_up 2
  [ ! -e "$old" ]
  cluster_keep
  run cluster_up 1
  [ "$status" -eq 1 ]
  [[ "$output" == *"is still up"*"--down"* ]]
  cluster_attach
  [ "$(cluster_nodes | wc -l)" -eq 2 ]
}

@test "a cluster that another living script works with is left alone" {
  cluster_up 1
  node_spawn n1 sleeper sleep 300
  HF_LOCK='' run cluster_up 1
  [ "$status" -eq 1 ]
  [[ "$output" == *"another script works with"* ]]
  node_alive n1 sleeper
  run flock -n "$HF_RECORD.lock" true
  [ "$status" -eq 1 ]
  exec {HF_LOCK}>&-
  HF_LOCK=''
  flock -n "$HF_RECORD.lock" true
}

@test "two clusters live side by side" {
  cluster_up 1
  (
    HF_PREFIX=hfu HF_RECORD=/run/holdfast-lab/hfu HF_LOCK=''
    cluster_up 1
    cluster_down
  )
  reaches n1 n1
}

@test "impossible sizes and names are refused" {
  for count in 0 17 -1 x ""; do
    run cluster_up "$count"
    [ "$status" -eq 1 ]
    [[ "$output" == *"1 to 16 nodes"* ]]
  done
  HF_PREFIX=../x run cluster_up 1
  [ "$status" -eq 1 ]
}
