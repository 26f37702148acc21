#!/usr/bin/env bats
# What the scripts do about missing packages: with apt and dpkg replaced, so that nothing is installed.
# shellcheck disable=SC2317  # the functions defined here are called by what is tested

setup() {
  # shellcheck source=deploy/lib/common.sh
  . "$BATS_TEST_DIRNAME/../lib/common.sh"
  # shellcheck source=deploy/lib/packages.sh
  . "$BATS_TEST_DIRNAME/../lib/packages.sh"
  calls=$BATS_TEST_TMPDIR/calls
  missing=$BATS_TEST_TMPDIR/missing
  : >"$calls"
  : >"$missing"
  export HOLDFAST_CACHE=$BATS_TEST_TMPDIR/cache HOLDFAST_POLICY=$BATS_TEST_TMPDIR/policy
  package_present() { ! grep -qx "$1" "$missing"; }
  with_network
}

# A network that works: what is asked for is there afterwards.
with_network() {
  apt_run() {
    echo "$*" >>"$calls"
    case " $* " in *" install "*) : >"$missing" ;; esac
  }
}


without_network() {
  apt_run() {
    echo "$*" >>"$calls"
    return 100
  }
}

@test "apt is not asked when everything is there" {
  install_packages holdfast_package_list
  [ ! -s "$calls" ]
}

@test "what is absent is named with its purpose, and only that is installed" {
  echo socat >"$missing"
  run install_packages holdfast_package_list
  [ "$status" -eq 0 ]
  [[ "$output" == *"socat"*"talks to sockets"* ]]
  grep -q 'install .* socat$' "$calls"
  run grep -c maven "$calls"
  [ "$output" = 0 ]
}

@test "services are not started while packages are installed, and may be afterwards" {
  echo socat >"$missing"
  apt_run() {
    [[ " $* " != *" install "* ]] || { ! "$HOLDFAST_POLICY" && : >"$missing"; }
  }
  run install_packages holdfast_package_list
  [ "$status" -eq 0 ]
  [ ! -s "$missing" ]
  [ ! -e "$HOLDFAST_POLICY" ]
}

# killed_while_installing SIGNAL - an installation that this ends while apt is at work; its policy is left to the test.
killed_while_installing() {
  apt_run() { touch "$calls.begun" && sleep 5; } # not longer: who runs this under nohup ignores HUP
  set -m # its children are ended with it
  (apt_install socat) 3>&- &
  set +m
  wait_until 30 "no installation" test -e "$calls.begun"
  [ -x "$HOLDFAST_POLICY" ]
  kill "-$1" -- "-$!"
  wait $! || true
}

@test "an installation that is ended leaves no policy" {
  for signal in TERM HUP INT; do
    rm -f "$calls.begun"
    killed_while_installing "$signal"
    wait_until 30 "left by $signal" test ! -e "$HOLDFAST_POLICY"
  done
}

@test "a policy that a killed installation left goes with the next one" {
  killed_while_installing KILL
  [ -e "$HOLDFAST_POLICY" ]
  with_network
  apt_install socat
  [ -z "$(find "$BATS_TEST_TMPDIR" -name 'policy*')" ]
}

@test "a policy of somebody else, or of an installation that is under way, stays" {
  printf '#!/bin/sh\nexit 0\n' >"$HOLDFAST_POLICY"
  chmod 755 "$HOLDFAST_POLICY"
  apt_install socat
  [ "$("$HOLDFAST_POLICY"; echo $?)" = 0 ]
  rm "$HOLDFAST_POLICY"
  apt_run() {
    apt_run() { [ -x "$HOLDFAST_POLICY" ]; }
    apt_install maven
    touch "$calls.nested"
    [ -x "$HOLDFAST_POLICY" ]
  }
  apt_install socat
  [ -e "$calls.nested" ]
  [ ! -e "$HOLDFAST_POLICY" ]
}

@test "what only the tests need is not asked for without them" {
  printf '%s\n' corosync pacemaker >"$missing"
  install_packages holdfast_package_list
  [ ! -s "$calls" ]
  install_packages holdfast_package_list holdfast_test_package_list
  grep -q 'install .* pacemaker corosync$' "$calls"
}

@test "without network it tells what is missing and fails" {
  without_network
  printf '%s\n' socat maven >"$missing"
  run install_packages holdfast_package_list
  [ "$status" -eq 1 ]
  [[ "$output" == *"still missing: maven socat"* ]]
  [[ "$output" == *"no network"* ]]
}

@test "without network and without a kernel in the cache it says where one can be put" {
  without_network
  kernel_package() { return 1; }
  run guest_kernel_dir
  [ "$status" -eq 1 ]
  [[ "$output" == *"linux-image-cloud-amd64 could not be fetched"*"$HOLDFAST_CACHE/kernel"* ]]
}

@test "an unpacked kernel in the cache is taken, the newest of several" {
  without_network
  mkdir -p "$HOLDFAST_CACHE"/kernel/linux-image-6.1.0-{9,56}-cloud-amd64
  run guest_kernel_dir
  [ "$status" -eq 0 ]
  [ "$output" = "$HOLDFAST_CACHE/kernel/linux-image-6.1.0-56-cloud-amd64" ]
  [ ! -s "$calls" ]
}
