package dev.holdfast.wrong.agent.storage;

import dev.holdfast.agent.hypervisor.RunningVm;

/** Wrong on purpose: a storage that stops machines. */
record Freezing(RunningVm vm) {}
