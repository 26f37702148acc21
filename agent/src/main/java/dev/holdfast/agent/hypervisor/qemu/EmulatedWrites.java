package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What QEMU before 9.0 does not notice of an emulated guest: a write to a page that is in the processor's TLB as changed already,
 * after QEMU has looked for changed pages once more (QEMU, commit 03bfc2188f, "Fix migration dirty bitmap coherency with TCG memory
 * access"). If that page goes over between the look and the stop of the guest, the copy has an older one: seen as lists of the
 * guest's kernel that do not fit together. Nothing is lost if the guest stands still at the first look after the one with which a
 * stream begins. With KVM the processor itself keeps track.
 */
record EmulatedWrites(Monitor monitor, VmDefinition vm) {
    private static final int REPAIRED_IN = 9;
    private static final int HARMLESS_LOOKS = 2;
    private static final Pattern MAJOR = Pattern.compile("([0-9]{1,4})[.].*");

    /** By the version, because it cannot be probed. */
    boolean canBeForgotten() {
        if (vm.ownHardware().accelerator() != VmDefinition.Accelerator.TCG) {
            return false;
        }
        Matcher version = MAJOR.matcher(monitor.client().version());
        return !version.matches() || Integer.parseInt(version.group(1)) < REPAIRED_IN;
    }

    /** Of a guest that ran until it was stopped for the rest of the stream, and no longer. */
    boolean mayBeForgotten() throws HypervisorException {
        return canBeForgotten()
                && new Migration(monitor)
                                .query()
                                .path("ram")
                                .path("dirty-sync-count")
                                .asLong()
                        > HARMLESS_LOOKS;
    }
}
