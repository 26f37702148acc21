package dev.holdfast.agent.hypervisor;

import java.util.List;

/** Machines that somebody else has made and runs, and Holdfast could look after as they are. Thread-safe. */
public interface ForeignMachines {
    /**
     * What is found of one. Immutable.
     *
     * @param name as its hypervisor has it
     * @param called how a definition is to name it: that name, or what is not mistaken for anything else
     * @param disks in the order of its description
     * @param obstacles why it cannot be looked after as it is, each with what to do; empty if it can
     * @param remarks what will not work with it, and why
     */
    record Found(
            String name, String called, List<VmDefinition.Disk> disks, List<String> obstacles, List<String> remarks) {
        public Found {
            disks = List.copyOf(disks);
            obstacles = List.copyOf(obstacles);
            remarks = List.copyOf(remarks);
        }
    }

    /**
     * Looks at one, which may run or not; changes nothing.
     *
     * @param called its name, or what else its hypervisor knows it by
     * @throws HypervisorException REFUSED if there is none; UNKNOWN if nobody answers
     */
    Found look(String called) throws HypervisorException;
}
