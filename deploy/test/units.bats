#!/usr/bin/env bats
# The units under a real systemd, as the first process of namespaces over a copy-on-write view of this machine. Needs root, cgroup v2, and
# what "mvn package" makes. Nothing leaves: the cgroup is killed at the end, and what the kernel shares is read-only inside.
# bats file_tags=qemu
bats_require_minimum_version 1.5.0

setup() {
  base=$BATS_TEST_TMPDIR
  group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/holdfast-units.$$
  mkdir "$group" "$base/scratch" "$base/out"
}

teardown() {
  echo 1 >"$group/cgroup.kill"
  until grep -q 'populated 0' "$group/cgroup.events"; do sleep 0.05; done
  find "$group" -depth -type d -exec rmdir {} \;
}

# under_systemd - runs package/units as a unit of its own, which ends systemd; what it says is in $base/out/said.
under_systemd() (
  echo $BASHPID >"$group/cgroup.procs"
  # shellcheck disable=SC2016  # expanded inside
  exec timeout -k 1 600 unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child --propagation private bash -ec '
    mount -t tmpfs tmpfs "$1"
    mkdir "$1"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
    cp -r "$2/usr" "$1/root/"
    cd "$1/root"
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    for file in proc/sysrq-trigger; do [ ! -e $file ] || mount --bind /dev/null $file; done
    mount -t sysfs sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -o remount,bind,ro sys
    for place in run tmp dev srv; do mount -t tmpfs tmpfs $place; done
    for device in null zero full random urandom tty; do touch dev/$device && mount --bind /dev/$device dev/$device; done
    mkdir dev/pts dev/shm tmp/out
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    mount --bind "$3" tmp/out
    cp "$4" tmp/units
    rm -rf etc/systemd/system etc/holdfast var/lib/holdfast
    mkdir -p etc/systemd/system etc/holdfast/vms .old
    printf "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/bash /tmp/units\nStandardOutput=file:/tmp/out/said\nStandardError=file:/tmp/out/said\n" >etc/systemd/system/probe.service
    ip link set lo up
    pivot_root . .old
    umount -l /.old
    container=lab exec env -u NOTIFY_SOCKET /lib/systemd/systemd --unit=probe.service --show-status=no
  ' sh "$base/scratch" "$BATS_TEST_DIRNAME/../target/root" "$base/out" "$BATS_TEST_DIRNAME/package/units"
)

@test "systemd hears that the agent is ready, kills one that hangs, and no restart of the agent or the guard touches a machine" {
  under_systemd >"$base/console" 2>&1 3>&- &
  systemd=$!
  for _ in $(seq 6000); do
    kill -0 "$systemd" || break
    ! grep -qsE '^(units: all of it|units: .*failed)' "$base/out/said" || break
    sleep 0.1
  done
  cat "$base/out/said" "$base/console"
  [ "$(tail -n 1 "$base/out/said")" = "units: all of it" ]
}
