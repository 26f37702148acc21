package dev.holdfast.agent.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Table {@code [qemu]}: which QEMU starts the machines of this node. Leave it out for the installed one. Nodes may differ:
 * checkpoints load on the other version too, because machine types are pinned. Immutable.
 *
 * @param emulator key {@code emulator}, default {@code qemu-system-x86_64}: a name that is looked for in {@code PATH}, or a
 *     whole path. Machines that run already go on with the QEMU that started them
 * @param firmwareDirectories key {@code firmware_dirs}, default none: where a QEMU that is not installed in the usual place
 *     finds its firmware, the first directory first ({@code -L}). Without them it takes the firmware of the installed one,
 *     or does not start
 * @param moduleDirectory key {@code module_dir}, default none: the modules of such a QEMU ({@code QEMU_MODULE_DIR}). Those
 *     of another build make it abort
 * @param user key {@code user}, default none: the user that QEMU becomes once it has opened what its command line names.
 *     Without it QEMU stays root. Use the same number on all nodes that share storage
 * @param sandbox key {@code sandbox}, default true: QEMU may not make the system calls that no machine needs. False only
 *     for a QEMU that was built without it
 */
public record QemuProgram(
        String emulator,
        List<Path> firmwareDirectories,
        Optional<Path> moduleDirectory,
        Optional<String> user,
        boolean sandbox) {

    /** The name of the installed program. */
    public static final String INSTALLED = "qemu-system-x86_64";

    /** Copies the list. */
    public QemuProgram {
        firmwareDirectories = List.copyOf(firmwareDirectories);
    }
}
