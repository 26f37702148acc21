#!/usr/bin/env bats
# The guest agent in the demo guest freezes and thaws a real file system: what --quiesce needs. Real QEMU.
# bats file_tags=qemu

# shellcheck source=deploy/test/guest.bash
. "$BATS_TEST_DIRNAME/guest.bash"

bats_require_minimum_version 1.5.0

setup() {
  guest_files
  [ -f "$guest/initrd-agent" ] || skip "the guest agent could not be fetched (no network when the guest was built)"
  for disk in a b c; do qemu-img create -q -f qcow2 "$disk.qcow2" 16M; done
}

teardown() {
  guests_end
}

# ask COMMAND - one command to the guest agent, after a handshake. QEMU hangs up as soon as socat says that this was all, and what the guest
# answers then is lost: that is said when both answers are there.
ask() {
  : >answers
  {
    printf '%s\n' '{"execute":"guest-sync","arguments":{"id":7}}' "{\"execute\":\"$1\"}"
    eventually 60 answered || true
  } | socat - "UNIX-CONNECT:qga.sock" >answers
  cat answers
}
answered() { [ "$(grep -c -e '"return"' -e '"error"' answers)" -ge 2 ]; }

agent_answers() { [[ $(ask guest-ping) == *'{"return": 7}'* ]]; }
mounted() { [[ $(ask guest-get-fsinfo) == *'"/data"'* ]]; }

@test "the guest agent freezes and thaws the file system of the guest" {
  guest_initrd=initrd-agent guest_start first a.qcow2 b.qcow2 \
    -blockdev "driver=qcow2,node-name=d2,file.driver=file,file.filename=$PWD/c.qcow2" -device virtio-blk-pci,drive=d2 \
    -device virtio-serial-pci,id=agent-bus -chardev "socket,id=qga0,path=qga.sock,server=on,wait=off" \
    -device virtserialport,bus=agent-bus.0,chardev=qga0,name=org.qemu.guest_agent.0
  eventually 180 wrote first 10
  eventually 120 agent_answers
  eventually 120 mounted
  [[ $(ask guest-fsfreeze-freeze) == *'{"return": 1}'* ]]
  [[ $(ask guest-fsfreeze-status) == *'"frozen"'* ]]
  [[ $(ask guest-fsfreeze-thaw) == *'{"return": 1}'* ]]
  run ! grep -qaE '^(LOST|FUTURE|MISMATCH|BAD)' first.log
}
