package dev.holdfast.agent.control.reply;

import java.util.List;
import java.util.Optional;

/**
 * The answer to {@code vm.list}.
 *
 * @param vms by name
 * @param unreadable files that should define a machine and do not
 */
public record VmList(List<VmDetails> vms, List<Unreadable> unreadable) {

    /** Copies the lists. */
    public VmList {
        vms = List.copyOf(vms);
        unreadable = List.copyOf(unreadable);
    }

    /**
     * A definition that cannot be read.
     *
     * @param file where it is
     * @param vm the machine it most likely defines
     * @param groups the groups it names
     * @param anyGroup whether it may belong to any group: then no group can be checkpointed
     * @param because what is wrong and what to do
     */
    public record Unreadable(String file, Optional<String> vm, List<String> groups, boolean anyGroup, String because) {

        /** Copies the list. */
        public Unreadable {
            groups = List.copyOf(groups);
        }
    }
}
