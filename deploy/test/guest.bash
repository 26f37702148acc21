# shellcheck shell=bash
# One demo guest on real QEMU, for the bats files of this directory. Loaded, never run.

# guest_files - builds the guest once and moves into a directory of this test.
guest_files() {
  guest=$("$BATS_TEST_DIRNAME/../guest/build.sh" 2>/dev/null)
  cd "$BATS_TEST_TMPDIR" || return 1
}

# guest_start NAME DISK0 DISK1 [QEMU ARGUMENT]... - starts a guest without network; console in NAME.log, pid in NAME.pid.
guest_start() {
  local name=$1 disk0=$2 disk1=$3
  shift 3
  qemu-system-x86_64 -name "$name" -machine pc-q35-7.2,accel=tcg -cpu max -m 128 -nodefaults -display none -no-reboot \
    -kernel "$guest/vmlinuz" -initrd "$guest/${guest_initrd:-initrd}" \
    -append "console=ttyS0 quiet panic=-1 tsc=unstable clocksource=hpet no_timer_check random.trust_cpu=on mitigations=off nokaslr holdfast.id=1 holdfast.peers=192.168.77.1" \
    -serial "file:$name.log" -qmp "unix:$name.qmp,server=on,wait=off" -daemonize -pidfile "$name.pid" \
    -blockdev "driver=qcow2,node-name=d0,file.driver=file,file.filename=$PWD/$disk0" -device virtio-blk-pci,drive=d0,id=dev-d0 \
    -blockdev "driver=qcow2,node-name=d1,file.driver=file,file.filename=$PWD/$disk1" -device virtio-blk-pci,drive=d1,id=dev-d1 "$@"
}

# guests_end - kills the guests of this test, by their pid files.
guests_end() {
  local file pid
  for file in "$BATS_TEST_TMPDIR"/*.pid; do
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    grep -qa "$BATS_TEST_TMPDIR" "/proc/$pid/cmdline" 2>/dev/null || continue
    kill -9 "$pid"
  done
}

# guest_crash NAME - kills a guest and waits until it has let go of its disks.
guest_crash() {
  local pid
  pid=$(cat "$1.pid")
  kill -9 "$pid"
  eventually 60 [ ! -e "/proc/$pid" ]
}

# qmp NAME COMMAND... - sends QMP commands, one word of JSON each; prints the answers; fails on any error. QEMU hangs up when it has
# answered all of them; if socat did so before, QEMU would drop those that it has not come to.
qmp() {
  local name=$1 answer
  shift
  answer=$({
    printf '%s\n' '{"execute":"qmp_capabilities"}' "$@"
    sleep 0.4
  } | socat -t 60 - "UNIX-CONNECT:$name.qmp")
  echo "$answer"
  [[ $answer != *'"error"'* ]]
}

# eventually SECONDS COMMAND... - polls each 50 ms.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# newest NAME [HEAD] - the number of the guest's newest write, from its newest line that begins with HEAD: S, or J for where it was brought
# back to.
newest() { grep -a "^${2:-S} .*#" "$1.log" | tail -n 1 | sed -n 's/.* seq=\([0-9]*\) .*/\1/p'; }

# wrote NAME SEQ - the guest has got as far as its write number SEQ.
wrote() {
  local seq
  seq=$(newest "$1")
  [ -n "$seq" ] && [ "$seq" -ge "$2" ]
}

# writes_on NAME SEQ COUNT - it gets so many writes beyond that; it tries to make fifty in a second.
writes_on() { eventually 180 wrote "$1" $(($2 + $3)); }

migrated() { [[ $(qmp "$1" '{"execute":"query-migrate"}') == *'"completed"'* ]]; }
loaded() { [[ $(qmp "$1" '{"execute":"query-status"}') == *'"paused"'* ]]; }
