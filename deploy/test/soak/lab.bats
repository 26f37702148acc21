#!/usr/bin/env bats
# The long runs on the lab: a node dies in each phase of a round, again and again. Only "deploy/test.sh --soak" runs them.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317  # words for shells on nodes; variables of lab.bash; called from there
bats_require_minimum_version 1.5.0
load ../lab

setup_file() {
  export HOLDFAST_LAB=hfsoak
  lab_setup_file
}
teardown_file() { "$lab" down; }
setup() { lab_setup; }
teardown() { lab_teardown; }

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

@test "ten times over: a node dies at any moment of a round" {
  local i moment
  for i in 1 2 3 4 5 6 7 8 9 10; do
    lab_setup
    name=crash-any-$i
    moment=$(($(now_ms) + 300 + RANDOM % 3000))
    later() { [ "$(now_ms)" -ge "$moment" ]; }
    crash_when later
    after_the_crash
  done
}
