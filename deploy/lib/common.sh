#!/bin/bash
# Messages and small words that every script of deploy/ shares. Sourced, never run.

# shellcheck disable=SC2034  # used by the scripts that source this file
HOLDFAST_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HOLDFAST_T0=${EPOCHREALTIME/[.,]/}

# elapsed - seconds since the script began, with two decimals.
elapsed() {
  local us=$((${EPOCHREALTIME/[.,]/} - HOLDFAST_T0))
  printf '%d.%02d' $((us / 1000000)) $((us % 1000000 / 10000))
}

# now_ms - wall clock in milliseconds.
now_ms() {
  local us=${EPOCHREALTIME/[.,]/}
  echo $((us / 1000))
}

# say TEXT... - one line of progress on stderr, with the time since the start.
say() { printf '[%6ss] %s\n' "$(elapsed)" "$*" >&2; }

# warn TEXT... / die TEXT... - what, why and what to do; die ends the script with status 1.
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

# need_root WHAT - ends the script when it does not run as root.
need_root() {
  [ "$(id -u)" -eq 0 ] || die "$1 needs root (network namespaces, tap devices). Run it as: sudo $0"
}

# wait_until SECONDS WHAT COMMAND... - polls until COMMAND succeeds; fails with a message after SECONDS. Between two looks it waits as long as
# the last one took, 50 to 500 ms.
wait_until() {
  local limit=$1 what=$2 end began took
  shift 2
  began=${EPOCHREALTIME/[.,]/}
  end=$((began + limit * 1000000))
  until "$@"; do
    took=$((${EPOCHREALTIME/[.,]/} - began))
    if [ $((began + took)) -ge "$end" ]; then
      warn "gave up after $limit s: $what"
      return 1
    fi
    [ $took -ge 50000 ] || took=50000
    [ $took -le 500000 ] || took=500000
    printf -v took '0.%06d' "$took"
    sleep "$took"
    began=${EPOCHREALTIME/[.,]/}
  done
}

# cache_dir - where unpacked kernels and built guests are kept; made when absent.
cache_dir() {
  local dir=${HOLDFAST_CACHE:-}
  if [ -z "$dir" ]; then
    if [ "$(id -u)" -eq 0 ]; then dir=/var/cache/holdfast; else dir=${XDG_CACHE_HOME:-$HOME/.cache}/holdfast; fi
  fi
  mkdir -p "$dir"
  echo "$dir"
}
