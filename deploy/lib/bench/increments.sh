#!/bin/bash
# shellcheck disable=SC2154  # variables shared with bench.sh
# What is written for checkpoints of raw disks that are copied in increments, beside what their guest has dirtied: the tool that the agent is
# made of, a real QEMU, and a guest that writes 32 MiB in pieces of 64 KiB before each checkpoint. Sourced by deploy/bench.sh, never run.

bench_increments() {
  HF_SCRATCH=$(mktemp -d /tmp/holdfast-increments.XXXXXX)
  mvn -q -B -pl coordinator,agent test-compile dependency:build-classpath -Dmdep.includeScope=test "-Dmdep.outputFile=$HF_SCRATCH/path" >&2
  java -cp "agent/target/test-classes:agent/target/classes:coordinator/target/classes:$(cat "$HF_SCRATCH/path")" \
    dev.holdfast.agent.snapshot.IncrementsMain "${rounds:-5}" >"$HF_SCRATCH/lines" 2>"$HF_SCRATCH/log" || {
    tail -n 20 "$HF_SCRATCH/log" >&2
    die "the checkpoints could not be made"
  }
  # What the program says beside it is no measurement.
  grep '^{"checkpoint"' "$HF_SCRATCH/lines" | tee "$HF_SCRATCH/measured" >&2
  jq -cs '.[0] as $first | .[1:] | {checkpoints: length, dirtied: .[0].dirtied, first_copies: $first.copies,
      ratio: (map(([.written, .copies] | max) / .dirtied * 1000 | round / 1000) | max),
      copy_ms: (map(.copy_ms) | sort | .[length / 2 | floor]), first_copy_ms: $first.copy_ms}' "$HF_SCRATCH/measured" >"$HF_SCRATCH/figures"
  cat "$HF_SCRATCH/figures"
  jq -e '.ratio <= 1.1' "$HF_SCRATCH/figures" >/dev/null || die "a checkpoint has written more than 1.1 times what its guest had dirtied"
}
