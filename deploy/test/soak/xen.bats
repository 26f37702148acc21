#!/usr/bin/env bats
# A real Xen, emulated by QEMU, with a Debian as its first domain. Only "deploy/test.sh --soak" runs it: the image takes a minute and a
# network to make, once.
bats_require_minimum_version 1.5.0

setup_file() {
  export HOLDFAST_XEN=bats
  "$BATS_TEST_DIRNAME/../../xen/junit" --stage "$BATS_FILE_TMPDIR/share"
  HOLDFAST_XEN_SHARE=$BATS_FILE_TMPDIR/share "$BATS_TEST_DIRNAME/../../xen/xen" up 300
}
teardown_file() { "$BATS_TEST_DIRNAME/../../xen/xen" down; }

cache() { (. "$BATS_TEST_DIRNAME/../../lib/common.sh" && cache_dir); }
xen() { "$BATS_TEST_DIRNAME/../../xen/xen" "$@"; }

@test "xl list says Domain-0" {
  run -0 xen run xl list
  [[ "${lines[1]}" == Domain-0* ]]
}

@test "what is run there has its input, its output and its exit status" {
  run -7 xen run 'cat; exit 7' <<<words
  [ "$output" = words ]
}

@test "files go there and come back" {
  mkdir -p "$BATS_TEST_TMPDIR/of a name/deep"
  head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/of a name/deep/file"
  xen put "$BATS_TEST_TMPDIR/of a name" /root/put
  xen get "/root/put/of a name" "$BATS_TEST_TMPDIR/back"
  cmp "$BATS_TEST_TMPDIR/of a name/deep/file" "$BATS_TEST_TMPDIR/back/of a name/deep/file"
}

@test "there are a JRE and the tools of a hypervisor's host" {
  run -0 xen run 'java -version 2>&1; qemu-img --version; ls /lab/guest'
  [[ "$output" == *'openjdk version "17'*qemu-img*initrd*vmlinuz* ]]
}

@test "the driver starts, finds, stops, captures, reverts and ends real domains" {
  in=dev.holdfast.agent.hypervisor.xen
  "$BATS_TEST_DIRNAME/../../xen/junit" "$in.XlInXen" "$in.XenHypervisorInXen"
}

@test "a real machine on real volumes of LVM goes on, goes back, and outlives a copy that overflows" {
  "$BATS_TEST_DIRNAME/../../xen/junit" dev.holdfast.agent.snapshot.LvmInXen
}

@test "without an agent the guard lets a real domain run, and the resource agent tells of it, thaws it and stops it" {
  parts=$BATS_TEST_DIRNAME/../../..
  xen put "$parts/deploy/xen/dom0-check" "$parts"/agent/target/guard/holdfast-{guard,ask} "$parts"/ocf-wrapper/{vm,thaw,stop.sh,xen.sh} \
    /usr/lib/ocf/lib/heartbeat /root/parts
  for what in begin guard agent; do xen run "/root/parts/dom0-check $what"; done
}

@test "nothing is left of it when it has ended" {
  pid=$(cat "$(cache)/xen/run.$HOLDFAST_XEN/pid")
  xen down
  [ ! -e "/proc/$pid" ]
  [ ! -e "$(cache)/xen/run.$HOLDFAST_XEN" ]
  run -1 xen run hostname
  [[ "$output" == *"no Xen runs here"* ]]
}
