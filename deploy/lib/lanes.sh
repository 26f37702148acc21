#!/bin/bash
# Lanes of tests: functions that run in the background, each with all its processes in a group of its own, and for so long at most. Sourced,
# never run. Needs common.sh, and a function "fail WHAT" that keeps what failed.

# begin SECONDS LANE - in the background; its process, which gives its group the number, is $!.
begin() {
  set -m
  limited "$@" </dev/null &
  set +m
}

# limited SECONDS LANE - the lane, and a clock in its group. What hangs is asked to end, and clears away what it has started.
limited() {
  local group=$BASHPID
  (
    snore "$1"
    trap '' TERM
    warn "$2 is not over after $1 s: ending it; what it did last is above"
    fail "$2: not over after $1 s"
    kill -TERM -- "-$group"
    snore 60
    kill -KILL -- "-$group"
  ) &
  clock=$!
  disown "$clock"
  trap 'kill -TERM "$clock" 2>/dev/null || true' EXIT
  "$2"
}

# snore SECONDS - waits without a process that would outlive the one that waits.
snore() { read -r -t "$1" _ <> <(:) || true; }

# end LANE PROCESS - waits for it.
end() { wait "$2" || fail "$1"; }

signal_lanes() { local lane; for lane in $(jobs -p); do kill "-$1" -- "-$lane" 2>/dev/null || true; done; }
no_lane() { [ -z "$(jobs -rp)" ]; }
