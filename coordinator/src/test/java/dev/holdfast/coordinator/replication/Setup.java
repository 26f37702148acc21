package dev.holdfast.coordinator.replication;

import java.time.Duration;
import java.util.Optional;

/**
 * What a world consists of, and what may go wrong in it. Immutable.
 *
 * @param nodes 2 or 3
 * @param policy of the machine
 * @param most what a guest does at most, in units of an epoch
 * @param fencing whether the cluster has it
 * @param mutant what is broken on purpose
 * @param times how often each fault may happen, by {@link Fault}
 * @param lag how many units the bound is
 * @param begun it begins with a machine that runs on the first node, protected by the second
 */
record Setup(
        int nodes,
        Policy policy,
        int most,
        boolean fencing,
        Mutant mutant,
        java.util.List<Integer> times,
        int lag,
        boolean begun) {

    /** What may happen a limited number of times. */
    enum Fault {
        /** The agent of a node dies. */
        AGENT,
        /** A node loses its power. It is fenced then, and comes back. */
        NODE,
        /** The same, while its agent has nothing to do: fewer interleavings. */
        POWER,
        /** A guest's process crashes. */
        QEMU,
        /** The link between the nodes is cut. */
        LINK,
        /** The store is away. */
        STORE,
        /** The answer to a write is lost; it may take effect at any time, or never. */
        ANSWER,
        /** Pacemaker promotes some node. */
        PROMOTE,
        DEMOTE,
        SWITCHOVER,
        /** A guest does not go on from its standby's memory. */
        FAIL_OVER,
        /** The guest is stopped by somebody's wish. */
        STOP,
        REVERT,
        /** Pacemaker stops the standby's instance. */
        RETIRE,
        /** A standby is made. */
        SEED
    }

    static Setup of(int nodes, int most) {
        Integer[] none = new Integer[Fault.values().length];
        java.util.Arrays.fill(none, 0);
        return new Setup(nodes, Policy.pause(), most, true, Mutant.NONE, java.util.List.of(none), 1, false)
                .with(Fault.PROMOTE, 2)
                .with(Fault.SEED, 1);
    }

    Setup with(Fault fault, int count) {
        Integer[] changed = times.toArray(Integer[]::new);
        changed[fault.ordinal()] = count;
        return new Setup(nodes, policy, most, fencing, mutant, java.util.List.of(changed), lag, begun);
    }

    Setup with(Policy other) {
        return new Setup(nodes, other, most, fencing, mutant, times, lag, begun);
    }

    Setup withoutFencing() {
        return new Setup(nodes, policy, most, false, mutant, times, lag, begun);
    }

    Setup broken(Mutant by) {
        return new Setup(nodes, policy, most, fencing, by, times, lag, begun);
    }

    /** Output leaves the host when it is committed. */
    Setup outputCommit() {
        return with(new Policy(Policy.OnIsolation.PAUSE, true, Optional.empty()));
    }

    Setup goesOn() {
        return with(new Policy(Policy.OnIsolation.CONTINUE, false, Optional.of(Duration.ofSeconds(60))));
    }

    /** Faults begin when it is protected. */
    Setup onceProtected() {
        return new Setup(nodes, policy, most, fencing, mutant, times, lag, true);
    }

    /** The guest does two things within the bound. */
    Setup finer() {
        return new Setup(nodes, policy, most, fencing, mutant, times, 2, begun);
    }

    /** What may be lost when another copy goes on, in units of an epoch. */
    int tolerated() {
        return policy.onIsolation() == Policy.OnIsolation.CONTINUE ? lag + 1 : lag;
    }

    int[] budgets() {
        return times.stream().mapToInt(Integer::intValue).toArray();
    }

    String title() {
        StringBuilder title = new StringBuilder(nodes + " nodes, " + most + " units");
        for (Fault fault : Fault.values()) {
            int count = times.get(fault.ordinal());
            if (count > 0) {
                title.append(", ").append(fault).append(' ').append(count);
            }
        }
        return title
                + (policy.outputCommit() ? ", output commit" : "")
                + (fencing ? "" : ", no fencing")
                + (begun ? ", once protected" : "")
                + (policy.onIsolation() == Policy.OnIsolation.CONTINUE ? ", continue" : "");
    }
}
