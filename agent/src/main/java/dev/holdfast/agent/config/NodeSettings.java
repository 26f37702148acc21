package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What {@code holdfast.toml} says. Immutable.
 *
 * @param node key {@code node}, default the host name: the pacemaker node name. Two nodes with one name push each other
 *     out of the cluster
 * @param cluster key {@code cluster}, default {@code holdfast}: the name under which the cluster keeps its records in
 *     ZooKeeper. Clusters that share an ensemble need different names
 * @param runDirectory key {@code run_dir}, default {@code /run/holdfast}: sockets and freeze markers; must vanish at a
 *     reboot. At most 60 characters, because a socket's path may have 100 at most
 * @param stateDirectory key {@code state_dir}, default {@code /var/lib/holdfast}: the journal; must survive a reboot, on a
 *     local disk
 * @param vmsDirectory key {@code vms_dir}, default {@code vms} beside {@code holdfast.toml}: one file for each machine
 * @param adminGroup key {@code admin_group}, default {@code haclient}: who besides root may use the control socket.
 *     A member of it can stop, revert and delete; name a group of administrators, never {@code users}
 * @param statusGroup key {@code status_group}, default none: who may look at what there is, and do nothing else, on a socket
 *     of its own ({@link #statusSocket})
 * @param zookeeper table {@code [zookeeper]}
 * @param channel table {@code [channel]}
 * @param checkpoint table {@code [checkpoint]}
 * @param migration table {@code [migration]}
 * @param qemu table {@code [qemu]}
 */
public record NodeSettings(
        Name node,
        Name cluster,
        Path runDirectory,
        Path stateDirectory,
        Path vmsDirectory,
        String adminGroup,
        Optional<String> statusGroup,
        ZooKeeperSettings zookeeper,
        ChannelSettings channel,
        CheckpointSettings checkpoint,
        MigrationSettings migration,
        QemuProgram qemu) {

    /** Where the agent listens for the command line and the resource agent. */
    public Path controlSocket() {
        return runDirectory.resolve("agent.sock");
    }

    /** Where the agent listens for members of the status group. */
    public Path statusSocket() {
        return runDirectory.resolve("status.sock");
    }

    /** Where the guard listens. */
    public Path guardSocket() {
        return runDirectory.resolve("guard.sock");
    }

    /** The sockets and markers of one machine. */
    public Path vmRunDirectory(Name vm) {
        return runDirectory.resolve("vms").resolve(vm.value());
    }

    /** The agent's journal. */
    public Path journalDirectory() {
        return stateDirectory.resolve("journal");
    }
}
