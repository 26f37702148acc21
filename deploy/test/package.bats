#!/usr/bin/env bats
# The Debian package and the RPM: real dpkg on this machine's own system, but in an overlay that is thrown away. Needs root,
# and what "mvn package" makes. A stand-in for systemctl runs the units' programs, as there is no systemd inside.
# bats file_tags=qemu

bats_require_minimum_version 1.5.0

setup_file() {
  export target=$BATS_TEST_DIRNAME/../target
  deb=$(find "$target" -maxdepth 1 -name 'holdfast_*.deb')
  export deb
  export base=$BATS_FILE_TMPDIR
  export conffiles="/etc/holdfast/holdfast.toml /etc/needrestart/conf.d/holdfast.conf"
  # The next version: the same files with another number.
  dpkg-deb -R "$deb" "$base/next"
  sed -i 's/^Version: .*/Version: 99/' "$base/next/DEBIAN/control"
  dpkg-deb -Zgzip -z1 --root-owner-group -b "$base/next" "$base/next.deb" >/dev/null
  rm -rf "$base/next"
}

# inside SCRIPT - runs $BATS_TEST_DIRNAME/package/SCRIPT as root of an overlay of this system; all processes end with it.
inside() {
  local scratch=$BATS_TEST_TMPDIR/scratch
  mkdir -p "$scratch"
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --pid --fork --kill-child --net --propagation private sh -c '
    set -e
    mount -t tmpfs tmpfs "$1"
    mkdir "$1/upper" "$1/work" "$1/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
    cd "$1/root"
    mount -t proc proc proc
    mount --rbind /dev dev
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    cp "$2" tmp/holdfast.deb
    cp "$3" tmp/next.deb
    cp -r "$4" tmp/package
    ip link set lo up
    exec chroot . "/tmp/package/$5"
  ' sh "$scratch" "$deb" "$base/next.deb" "$BATS_TEST_DIRNAME/package" "$1"
}

@test "lintian finds no error in the Debian package" {
  run lintian --fail-on error --suppress-tags jar-not-in-usr-share,codeless-jar "$deb"
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "everything is where it belongs, owned by root, with the right modes" {
  run dpkg-deb -c "$deb"
  [ "$status" -eq 0 ]
  while read -r mode path; do
    grep -qE "^$mode root/root .* \./$path\$" <<<"$output" || { echo "not $mode: $path"; false; }
  done <<'LIST'
-rwxr-xr-x usr/bin/holdfast
-rwxr-xr-x usr/bin/holdfast-prime
-rwxr-xr-x usr/lib/holdfast/holdfast-guard
-rwxr-xr-x usr/lib/holdfast/thaw
-rwxr-xr-x usr/lib/holdfast/quiet
-rw-r--r-- usr/lib/holdfast/replica.sh
-rw-r--r-- usr/lib/holdfast/start.sh
-rw-r--r-- usr/lib/holdfast/stop.sh
-rw-r--r-- usr/lib/holdfast/uml.sh
-rw-r--r-- usr/lib/holdfast/xen.sh
-rw-r--r-- usr/lib/holdfast/lib/holdfast-agent-[0-9.]*.jar
-rwxr-xr-x usr/lib/ocf/resource.d/holdfast/vm
-rw-r--r-- usr/share/man/man7/ocf_holdfast_vm.7.gz
-rw-r--r-- usr/share/man/man1/holdfast.1.gz
-rw-r--r-- usr/share/man/man1/holdfast-checkpoint-create.1.gz
-rw-r--r-- usr/share/bash-completion/completions/holdfast
-rw-r--r-- usr/lib/systemd/system/holdfast.service
-rw-r--r-- usr/lib/systemd/system/holdfast-guard.service
-rw-r--r-- etc/holdfast/holdfast.toml
-rw-r--r-- etc/needrestart/conf.d/holdfast.conf
LIST
  run ! grep -v ' root/root ' <<<"$output"
  [ "$(dpkg-deb -I "$deb" conffiles | xargs)" = "$(xargs <<<"$conffiles")" ]
}

@test "the units are shut in as far as they were: systemd's own judgement has not become worse" {
  dpkg-deb -x "$deb" "$BATS_TEST_TMPDIR/x"
  while read -r unit most; do
    systemd-analyze security --offline=true --threshold="$most" "$BATS_TEST_TMPDIR/x/usr/lib/systemd/system/$unit.service" >"$BATS_TEST_TMPDIR/says" ||
      { cat "$BATS_TEST_TMPDIR/says"; false; }
  done <<'LIST'
holdfast-guard 52
holdfast-zookeeper 73
holdfast 93
LIST
}

@test "the completion completes, and the manual pages have no errors" {
  dpkg-deb -x "$deb" "$BATS_TEST_TMPDIR/x"
  # shellcheck disable=SC2016  # expanded inside
  run bash -c 'compopt() { :; }; . "$1"; COMP_WORDS=(holdfast checkpoint cr); COMP_CWORD=2; _complete_holdfast; echo "${COMPREPLY[*]}"' \
    bash "$BATS_TEST_TMPDIR/x/usr/share/bash-completion/completions/holdfast"
  [ "$output" = create ]
  run ! grep -rl 'not available' "$BATS_TEST_TMPDIR/x/usr/share/man"
}

# bats test_tags=soak
@test "installed, upgraded, removed and purged without a machine: nothing is started, nothing is left" {
  run inside plain
  echo "$output"
  [ "$status" -eq 0 ]
  [[ "${lines[-1]}" == "life: all of it"* ]]
}

@test "upgraded, removed and purged around a running guest: it runs on, a checkpoint from before is reverted to, its disks stay" {
  run inside life
  echo "$output"
  [ "$status" -eq 0 ]
  [[ "${lines[-1]}" == "life: all of it"* ]]
}

@test "before an update restarts the agent it waits until no machine moves or is in a round, and not for ever" {
  local run=$BATS_TEST_TMPDIR/run
  mkdir "$run"
  # The agent moves web until it has been asked twice.
  cat >"$run/answer" <<'END'
read -r line
echo "$line" >>"$1/asked"
[ "$(wc -l <"$1/asked")" -le 2 ] && doing='migration m1' || doing=
echo '{"id":1,"result":{"vms":[{"name":"db","state":"running","operation":"","disks":[]},{"name":"web","operation":"'"$doing"'","disks":[]}],"unreadable":[]}}'
END
  run -0 env HOLDFAST_RUN="$run" HOLDFAST_HOME="$target/root/usr/lib/holdfast" "$BATS_TEST_DIRNAME/../install/quiet" # no agent
  [ -z "$output" ]
  socat -t 30 "UNIX-LISTEN:$run/agent.sock.new,fork" "SYSTEM:sh $run/answer $run" 3>&- &
  # The file is there a moment before anybody listens (flags 10000).
  until grep -q " 00010000 .* $run/agent.sock.new\$" /proc/net/unix; do sleep 0.02; done
  mv "$run/agent.sock.new" "$run/agent.sock"
  run -1 env HOLDFAST_RUN="$run" HOLDFAST_HOME="$target/root/usr/lib/holdfast" "$BATS_TEST_DIRNAME/../install/quiet" 0
  [ "$output" = "holdfast: still under way after 0 s, and called off by a restart of the agent: web: migration m1" ]
  run -0 env HOLDFAST_RUN="$run" HOLDFAST_HOME="$target/root/usr/lib/holdfast" "$BATS_TEST_DIRNAME/../install/quiet"
  [ "$output" = "holdfast: waiting for what is under way here: web: migration m1" ]
  kill $!
  grep -q 'quiet 60' <<<"$(dpkg-deb -I "$deb" postinst)"
}

@test "needrestart leaves the units alone" {
  # shellcheck disable=SC2016  # Perl
  perl -e 'our %nrconf = (override_rc => {}); defined(do $ARGV[0]) or die "$@$!";
    exit !grep { "holdfast-guard.service" =~ /$_/ && !$nrconf{override_rc}{$_} } keys %{$nrconf{override_rc}}' "$BATS_TEST_DIRNAME/../install/needrestart.conf"
}

@test "the RPM holds the same files as the Debian package, and keeps an edited configuration" {
  rpm=$(find "$target" -maxdepth 1 -name 'holdfast-*.rpm')
  dpkg-deb --fsys-tarfile "$deb" | tar -t | grep -v '/$' | sed 's#^\.##' | sort >"$BATS_TEST_TMPDIR/deb"
  rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]' "$rpm" 2>/dev/null >"$BATS_TEST_TMPDIR/modes"
  sed -n 's/^-[^ ]* root //p' "$BATS_TEST_TMPDIR/modes" | sort >"$BATS_TEST_TMPDIR/rpm"
  diff "$BATS_TEST_TMPDIR/deb" "$BATS_TEST_TMPDIR/rpm"
  grep -q '^-rwxr-xr-x root /usr/lib/ocf/resource.d/holdfast/vm$' "$BATS_TEST_TMPDIR/modes"
  [ "$(rpm -qpc "$rpm" 2>/dev/null | xargs)" = "$(xargs <<<"$conffiles")" ]
  rpm -qp --scripts "$rpm" 2>/dev/null >"$BATS_TEST_TMPDIR/scripts"
  grep -q 'try-restart holdfast-guard.service' "$BATS_TEST_TMPDIR/scripts"
  rpm -qp --requires "$rpm" 2>/dev/null | grep -q '^socat$'
}
