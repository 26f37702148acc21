package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * The answer to {@code vm.list}.
 *
 * @param vms by name
 */
public record VmList(List<VmDetails> vms) {

    /** Copies the list. */
    public VmList {
        vms = List.copyOf(vms);
    }
}
