#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# The lab of three nodes with pacemaker (deploy/lab) for benchmarks. Sourced, never run; needs common.sh, packages.sh, holdfast-lab.sh.

# bench_lab_up NAME - sets bench_lab (its state), bench_files (a directory) and measured, and compiles the caller.
bench_lab_up() {
  holdfast_prepare
  export HOLDFAST_LAB=${HOLDFAST_LAB:-$1}
  HF_SCRATCH=
  bench_lab=/dev/shm/$HOLDFAST_LAB
  bench_files=$(mktemp -d "/var/tmp/$1.XXXXXX")
  measured=$bench_files/measured
  gcc -O2 -o "$bench_files/caller" "$HOLDFAST_ROOT/deploy/lib/bench/caller.c"
  "$HOLDFAST_ROOT/deploy/lab/lab" down
  "$HOLDFAST_ROOT/deploy/lab/lab" up 3
  "$HOLDFAST_ROOT/deploy/lab/lab" wait 60
}

# bench_lab_down - the lab, and what was measured to who wants it.
bench_lab_down() {
  [ -z "$results" ] || [ ! -f "${measured:-}" ] || cp "$measured" "$results"
  "$HOLDFAST_ROOT/deploy/lab/lab" down
  [ -z "${bench_files:-}" ] || rm -rf "$bench_files"
}
