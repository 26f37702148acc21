#!/usr/bin/env bats
# The main job, end to end: the demo on two nodes. Needs root; real ZooKeeper, real QEMU.
# bats file_tags=qemu

bats_require_minimum_version 1.5.0

setup() {
  export HOLDFAST_PREFIX=hfe
}

teardown() {
  "$BATS_TEST_DIRNAME/../demo.sh" --down
}

@test "two nodes of different QEMU versions: the group is frozen, runs on, comes back; its guests find nothing wrong; nothing is left over" {
  run --separate-stderr "$BATS_TEST_DIRNAME/../demo.sh" --nodes 2 --qemu10 --svg "$BATS_TEST_TMPDIR/timeline.svg"
  # shellcheck disable=SC2154  # stderr is set by run
  printf '%s\n' "$stderr" "$output"
  [ "$status" -eq 0 ]
  [ "$(jq -c '[.nodes, .vms, .consistent, (.pause_ms | length)]' <<<"${lines[-1]}")" = "[2,2,true,2]" ]
  grep -q 'web1 .*QEMU 10\.' <<<"$stderr"
  grep -q 'web2 .*QEMU 7\.' <<<"$stderr"
  grep -q '<svg' "$BATS_TEST_TMPDIR/timeline.svg"
  run ! ls /run/netns/hfe-hub
  [ ! -e /run/holdfast-lab/hfe ]
}
