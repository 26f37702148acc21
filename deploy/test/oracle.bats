#!/usr/bin/env bats
# The guest program itself: it must stay quiet while all is of one moment, and cry out when it is not. Real QEMU.
# bats file_tags=qemu

# shellcheck source=deploy/test/guest.bash
. "$BATS_TEST_DIRNAME/guest.bash"

bats_require_minimum_version 1.5.0

setup() {
  guest_files
  qemu-img create -q -f qcow2 a.qcow2 16M
  qemu-img create -q -f qcow2 b.qcow2 16M
}

teardown() {
  guests_end
}

overlay() { qemu-img create -q -f qcow2 -F qcow2 -b "$PWD/$1" "$2" 16M; }

add_node() { echo "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"qcow2\",\"node-name\":\"$1\",\"file\":{\"driver\":\"file\",\"filename\":\"$PWD/$2\"},\"backing\":$3}}"; }

snapshot_action() { echo "{\"type\":\"blockdev-snapshot\",\"data\":{\"node\":\"$1\",\"overlay\":\"$2\"}}"; }

# Freezes both disks and saves memory at one moment; the guest runs on, for so long that it notices the jump of the clock when it is back, and
# ends.
take_checkpoint() {
  local cut
  overlay a.qcow2 a1.qcow2
  overlay b.qcow2 b1.qcow2
  qmp first "$(add_node o0 a1.qcow2 null)" "$(add_node o1 b1.qcow2 null)" \
    '{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":1099511627776}}' '{"execute":"stop"}' \
    "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[$(snapshot_action d0 o0),$(snapshot_action d1 o1)]}}" \
    "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat>$PWD/memory\"}}"
  eventually 60 migrated first
  cut=$(newest first)
  qmp first '{"execute":"cont"}'
  sleep 3
  writes_on first "$cut" 10
  guest_crash first
}

restore() {
  guest_start second "$1" "$2" -S -incoming "exec:cat<$PWD/memory"
  eventually 60 loaded second
  qmp second '{"execute":"cont"}'
  eventually 60 grep -qa '^J .*#' second.log
  writes_on second "$(newest second J)" 50
}

@test "memory and disks of one moment: the guest goes on without a complaint" {
  guest_start first a.qcow2 b.qcow2
  eventually 180 wrote first 50
  take_checkpoint
  overlay a.qcow2 a2.qcow2
  overlay b.qcow2 b2.qcow2
  restore a2.qcow2 b2.qcow2
  run awk -f "$BATS_TEST_DIRNAME/../lib/cut-check.awk" <(cat first.log second.log)
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "one disk newer than memory: FUTURE" {
  guest_start first a.qcow2 b.qcow2
  eventually 180 wrote first 50
  take_checkpoint
  overlay a.qcow2 a2.qcow2
  restore a2.qcow2 b1.qcow2
  grep -qa '^FUTURE id=1 disk=vdb' second.log
  run ! grep -qa '^FUTURE id=1 disk=vda' second.log
}

@test "one disk set back under a running guest: LOST" {
  guest_start first a.qcow2 b.qcow2
  eventually 180 wrote first 50
  overlay b.qcow2 b1.qcow2
  qmp first "$(add_node o1 b1.qcow2 null)" "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[$(snapshot_action d1 o1)]}}"
  writes_on first "$(newest first)" 100
  run ! grep -qaE '^(LOST|FUTURE|MISMATCH|BAD)' first.log
  overlay b.qcow2 b2.qcow2
  qmp first '{"execute":"stop"}' "$(add_node back b2.qcow2 '"d1"')" \
    '{"execute":"qom-set","arguments":{"path":"/machine/peripheral/dev-d1","property":"drive","value":"back"}}' '{"execute":"cont"}'
  eventually 60 grep -qa '^LOST id=1 disk=vdb' first.log
}

# bats test_tags=soak
@test "two disks of two different pasts: MISMATCH" {
  overlay a.qcow2 other-a.qcow2
  overlay b.qcow2 other-b.qcow2
  guest_start first a.qcow2 b.qcow2
  eventually 180 wrote first 50
  guest_crash first
  guest_start second other-a.qcow2 other-b.qcow2
  eventually 180 wrote second 50
  guest_crash second
  guest_start third a.qcow2 other-b.qcow2
  eventually 180 grep -qa '^MISMATCH id=1' third.log
}

@test "after a crash the guest goes on after its newest record" {
  guest_start first a.qcow2 b.qcow2
  eventually 180 wrote first 50
  guest_crash first
  qemu-img convert -O raw a.qcow2 a.raw
  run "$guest/read-slots" a.raw
  [[ "$output" =~ ^D\ file=a.raw\ id=1\ seq=[0-9]+\  ]]
  run "$guest/read-slots" /dev/null
  [ "$status" -eq 1 ]
  guest_start second a.qcow2 b.qcow2
  eventually 180 wrote second 80
  run grep -a '^BOOT' second.log
  [[ "$output" =~ seq=([0-9]+) ]]
  [ "${BASH_REMATCH[1]}" -ge 49 ]
  run ! grep -qaE '^(LOST|FUTURE|MISMATCH|BAD)' second.log
}
