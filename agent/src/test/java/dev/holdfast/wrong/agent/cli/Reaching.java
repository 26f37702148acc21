package dev.holdfast.wrong.agent.cli;

import dev.holdfast.agent.snapshot.VmSnapshots;

/** Wrong on purpose: a command that does the work itself. */
record Reaching(VmSnapshots snapshots) {}
