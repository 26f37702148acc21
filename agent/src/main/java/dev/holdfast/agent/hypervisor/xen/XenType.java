package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.util.Locale;

/** What a guest sees of Xen; the machine types are {@code xen-pv-4.17} and {@code xen-pvh-4.17}, with Xen's version. */
enum XenType {
    /** It calls the hypervisor for all that a processor would have privileges for. */
    PV,
    /** It has a virtual processor, and nothing else that looks like hardware. */
    PVH;

    /** As xl spells it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws HypervisorException REFUSED if it is none of these */
    static XenType of(VmDefinition vm) throws HypervisorException {
        String machine = vm.ownHardware().machine();
        for (XenType type : values()) {
            if (machine.startsWith("xen-" + type.word() + "-")) {
                return type;
            }
        }
        throw new HypervisorException(
                Kind.REFUSED, "%s is a %s; Xen has xen-pv-VERSION and xen-pvh-VERSION".formatted(vm.name(), machine));
    }
}
