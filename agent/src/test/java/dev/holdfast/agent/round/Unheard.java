package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;

/** For tests to which it does not matter who hears of a machine's processes. */
public final class Unheard implements VmRegistry.Listener {
    @Override
    public void onProcess(ManagedVm vm, RunningVm process) {}

    @Override
    public void onGone(ManagedVm vm) {}
}
