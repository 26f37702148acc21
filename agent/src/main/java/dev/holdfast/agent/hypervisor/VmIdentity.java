package dev.holdfast.agent.hypervisor;

import java.util.Optional;

/** One life of a machine, which cannot be mistaken for a later one of the same name: one that is found again is equal. Immutable. */
public interface VmIdentity {
    /** Whether exactly this life still lasts. */
    boolean isAlive();

    /** One word that no other life on this host has had since the host was started, for files. */
    String word();

    /** How people call it, as {@code process 4711}. */
    String label();

    /** The process of this host that is the machine; empty where there is none that could be signalled in its place. */
    default Optional<ProcessIdentity> process() {
        return Optional.empty();
    }
}
