#!/usr/bin/env bats
# The launcher of the installed tree and the archive that lets it start faster. Needs what "mvn package" makes.

bats_require_minimum_version 1.5.0

setup() {
  root=${HOLDFAST_TREE:-$BATS_TEST_DIRNAME/../target/root}
  export HOLDFAST_CACHE_DIR=$BATS_TEST_TMPDIR/cache
}

@test "the launcher tells which java it would take, and starts nothing" {
  run env HOLDFAST_PRINT_JAVA=1 "$root/usr/bin/holdfast" no-such-command
  [ "$status" -eq 0 ]
  [ -x "$output" ]
}

@test "vm thaw --all needs neither Java nor an agent" {
  mkdir -p "$BATS_TEST_TMPDIR/run/vms/web"
  run env HOLDFAST_JAVA=/bin/false "$root/usr/bin/holdfast" vm thaw --all --run-dir "$BATS_TEST_TMPDIR/run"
  [ "$status" -eq 0 ]
  printf 'token=t\nkind=freeze\n' >"$BATS_TEST_TMPDIR/run/vms/web/frozen"
  run env HOLDFAST_JAVA=/bin/false "$root/usr/bin/holdfast" vm thaw --all --run-dir "$BATS_TEST_TMPDIR/run"
  echo "$output"
  [ "$status" -eq 1 ]
  [[ "$output" == *"thaw: web"* ]]
}

@test "holdfast-prime makes an archive, and the JVM takes the product's classes from it" {
  run "$root/usr/bin/holdfast-prime"
  echo "$output"
  [ "$status" -eq 0 ]
  run env HOLDFAST_JAVA_OPTS=-Xlog:class+load "$root/usr/bin/holdfast" --help
  [ "$status" -eq 0 ]
  grep -q 'dev.holdfast.agent.HoldfastMain source: shared objects file' <<<"$output"
}

@test "an archive that does not fit is passed over in silence" {
  "$root/usr/bin/holdfast-prime"
  archive=$(find "$HOLDFAST_CACHE_DIR" -name '*.[ja][so][at]')
  rm -f "$archive" && head -c 65536 /dev/urandom >"$archive"
  run --separate-stderr "$root/usr/bin/holdfast" --help
  # shellcheck disable=SC2154  # set by run
  echo "$output$stderr"
  [ "$status" -eq 0 ]
  [[ "$output" == [Uu]sage* ]]
  [ -z "$stderr" ]
}
