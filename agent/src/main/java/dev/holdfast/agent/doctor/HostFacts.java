package dev.holdfast.agent.doctor;

import java.util.List;
import java.util.Optional;

/**
 * What a host tells of itself without an agent. Immutable.
 *
 * @param node its name
 * @param configuration what is wrong with the configuration
 * @param files files and sockets with what their permissions should be
 * @param spaces file systems that are written to
 * @param units the system's services; empty if there is no systemd
 * @param programs programs that are needed
 * @param kernel its version, as {@code 6.1.0-13-amd64}; empty if unknown
 * @param kvm whether {@code /dev/kvm} can be used; empty if no machine needs it
 * @param uml what machines of User-Mode Linux need of it; empty if there are none
 * @param synchronised whether its clock follows others; empty if nobody can tell
 */
public record HostFacts(
        String node,
        List<String> configuration,
        List<FileState> files,
        List<Space> spaces,
        List<Unit> units,
        List<Program> programs,
        String kernel,
        Optional<Boolean> kvm,
        Optional<UmlHost> uml,
        Optional<Boolean> synchronised) {

    /** Copies the lists. */
    public HostFacts {
        configuration = List.copyOf(configuration);
        files = List.copyOf(files);
        spaces = List.copyOf(spaces);
        units = List.copyOf(units);
        programs = List.copyOf(programs);
    }

    /**
     * A file, a socket or a directory.
     *
     * @param path where
     * @param what what it is for
     * @param rule what its permissions should be
     * @param permissions as {@code rw-------}; empty if it is not there
     */
    public record FileState(String path, String what, Rule rule, Optional<String> permissions) {}

    /** What the permissions of a file should be. */
    public enum Rule {
        /** Nobody but its owner reads or writes it: a secret. */
        SECRET,
        /** Nobody but its owner and its group does anything with it. */
        NO_OTHERS,
        /** Nobody but its owner writes to it: what it says is done as root. */
        OWNER_WRITES
    }

    /**
     * A file system.
     *
     * @param path a directory on it
     * @param what what is written there
     * @param usable bytes left
     * @param total bytes in all
     * @param needed bytes that will be needed there at once; 0 if that is not known
     */
    public record Space(String path, String what, long usable, long total, long needed) {}

    /**
     * A host for machines of User-Mode Linux.
     *
     * @param fuse whether {@code /dev/fuse} can be used, through which they have their disks
     * @param amx whether its processor has registers (AMX) of which older kernels do not know the size
     */
    public record UmlHost(boolean fuse, boolean amx) {}

    /** A service: {@code active}, {@code inactive}, {@code failed}, ... */
    public record Unit(String name, String state) {}

    /**
     * A program.
     *
     * @param name as it is called
     * @param neededFor what does not work without
     * @param version the first line of what {@code --version} says; empty if it cannot be run
     */
    public record Program(String name, String neededFor, Optional<String> version) {}
}
