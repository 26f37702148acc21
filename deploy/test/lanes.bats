#!/usr/bin/env bats
# What deploy/test.sh does about a lane that hangs.
# shellcheck disable=SC2317  # the functions defined here are called by what is tested

setup() {
  # shellcheck source=deploy/lib/common.sh
  . "$BATS_TEST_DIRNAME/../lib/common.sh"
  # shellcheck source=deploy/lib/lanes.sh
  . "$BATS_TEST_DIRNAME/../lib/lanes.sh"
  failed=$BATS_TEST_TMPDIR/failed
  : >"$failed"
  fail() { echo "$1" >>"$failed"; }
  seen=$BATS_TEST_TMPDIR/seen
  lanes=
}

teardown() {
  for lane in $lanes; do kill -KILL -- "-$lane" 2>/dev/null || true; done
}

# runs SECONDS LANE - until it is over.
runs() {
  begin "$@" 3>&- 2>"$BATS_TEST_TMPDIR/said"
  lanes+=" $!"
  end "$2" $!
}

is_empty() { ! pgrep -g "$1" >/dev/null; }

@test "a lane that is over in time leaves no process, and its result counts" {
  good() { echo "did it" >"$seen"; }
  bad() {
    false
    echo "went on" >"$seen"
  }
  runs 60 good
  [ "$(cat "$seen")" = "did it" ]
  [ ! -s "$failed" ]
  runs 60 bad
  [ "$(cat "$failed")" = bad ]
  [ "$(cat "$seen")" = "did it" ]
  for lane in $lanes; do wait_until 30 "a process is left" is_empty "$lane"; done
}

@test "a lane that hangs is ended with all its processes, and said to" {
  hanging() {
    trap 'echo "cleared away" >"$seen"; exit 1' TERM
    sleep 600 &
    echo $! >"$seen.child"
    wait
  }
  runs 1 hanging
  grep -q "hanging is not over after 1 s: ending it" "$BATS_TEST_TMPDIR/said"
  [ "$(paste -s -d , "$failed")" = "hanging: not over after 1 s,hanging" ]
  [ "$(cat "$seen")" = "cleared away" ]
  wait_until 30 "a process is left" test ! -e "/proc/$(cat "$seen.child")"
}

@test "a lane that is interrupted takes its clock with it" {
  waiting() {
    echo begun >"$seen"
    sleep 600
  }
  begin 600 waiting 3>&-
  lanes=$!
  wait_until 30 "it does not begin" test -e "$seen"
  signal_lanes TERM
  wait_until 30 "a process is left" is_empty "$lanes"
}
