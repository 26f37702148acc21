package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.PortRange;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Turns the tables of {@code holdfast.toml} into records. */
final class NodeReader {
    private static final int LONGEST_RUN_DIRECTORY = 60;
    private static final Pattern CONNECT =
            Pattern.compile("[A-Za-z0-9._\\[\\]:-]+:\\d{1,5}(,[A-Za-z0-9._\\[\\]:-]+:\\d{1,5})*");
    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z0-9._:%-]+");
    private static final Pattern GROUP = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]{0,31}");

    private static final Pattern PROGRAM = Pattern.compile("(/[^\\p{Cntrl}]*)?[^/\\p{Cntrl}]+");

    private static final int LAST_PORT = 65_535;
    /** A channel listens on a second port, so far above its own. */
    private final Path file;

    private final String hostName;
    private final boolean withFiles;

    /** @param withFiles also examine the files that are named; the command line may not read them */
    NodeReader(Path file, String hostName, boolean withFiles) {
        this.file = file;
        this.hostName = hostName;
        this.withFiles = withFiles;
    }

    NodeSettings read(TableReader root) {
        Name node = root.name("node").orElseGet(() -> defaultNode(root));
        Name cluster = root.name("cluster").orElseGet(() -> new Name("holdfast"));
        Path run = root.path("run_dir").orElse(Path.of("/run/holdfast"));
        if (run.toString().length() > LONGEST_RUN_DIRECTORY) {
            root.problem(
                    "run_dir",
                    "\"run_dir\" has %d characters, and the paths of sockets in it would pass the limit of the system"
                            .formatted(run.toString().length()),
                    "use at most " + LONGEST_RUN_DIRECTORY + " characters");
        }
        Path state = root.path("state_dir").orElse(Path.of("/var/lib/holdfast"));
        Path vms = root.path("vms_dir").orElse(file.resolveSibling("vms"));
        String group = root.text("admin_group", "haclient");
        if (!GROUP.matcher(group).matches()) {
            root.problem("admin_group", "\"" + group + "\" is not the name of a group", "name a system group");
        }
        Optional<String> readers = root.text("status_group");
        readers.ifPresent(name -> mustBeReaders(root, name, group));
        TableReader store = root.table("zookeeper");
        ZooKeeperSettings zookeeper = zookeeper(store);
        TableReader network = root.table("channel");
        ChannelSettings channel = channel(network);
        TableReader round = root.table("checkpoint");
        CheckpointSettings checkpoint = checkpoint(round);
        TableReader moves = root.table("migration");
        MigrationSettings migration = migration(moves);
        TableReader emulation = root.table("qemu");
        QemuProgram qemu = qemu(emulation);
        LivenessCheck.check(store, zookeeper, round, checkpoint);
        root.finish();
        store.finish();
        network.finish();
        round.finish();
        moves.finish();
        emulation.finish();
        return new NodeSettings(
                node, cluster, run, state, vms, group, readers, zookeeper, channel, checkpoint, migration, qemu);
    }

    private static void mustBeReaders(TableReader root, String name, String administrators) {
        if (!GROUP.matcher(name).matches()) {
            root.problem("status_group", "\"" + name + "\" is not the name of a group", "name a system group");
        }
        if (name.equals(administrators)) {
            root.problem(
                    "status_group",
                    "\"status_group\" is the same as \"admin_group\", whose members may do more",
                    "remove it, or name another group");
        }
    }

    private Name defaultNode(TableReader root) {
        try {
            return new Name(hostName);
        } catch (IllegalArgumentException e) {
            root.problem("node", "the host name cannot be the node's name: " + e.getMessage(), "add: node = \"...\"");
            return new Name("unnamed");
        }
    }

    private ZooKeeperSettings zookeeper(TableReader table) {
        String connect = table.text("connect", "127.0.0.1:2181").replace(" ", "");
        if (!CONNECT.matcher(connect).matches()) {
            table.problem(
                    "connect",
                    "\"zookeeper.connect\" is not a list of servers",
                    "write host:port with commas: \"n1:2181,n2:2181,n3:2181\"");
        } else {
            Stream.of(connect.split(","))
                    .filter(server -> !hasPort(server))
                    .forEach(server -> table.problem(
                            "connect",
                            "the port of \"" + server + "\" in \"zookeeper.connect\" is none",
                            "use a number from 1 to " + LAST_PORT + ", usually 2181"));
        }
        Duration session =
                table.duration("session_timeout", Duration.ofSeconds(6), Duration.ofMillis(500), Duration.ofMinutes(5));
        Path credentials = table.path("credentials").orElse(file.resolveSibling("zookeeper.secret"));
        if (withFiles) {
            SecretFile.check(table, "credentials", credentials, "one line: user:password");
        }
        return new ZooKeeperSettings(connect, session, credentials, table.flag("close_root", true), tls(table));
    }

    private Optional<ZooKeeperSettings.Tls> tls(TableReader table) {
        boolean wanted = table.flag("tls", false);
        Path trust = table.path("tls_trust").orElse(file.resolveSibling("zookeeper-ca.pem"));
        Optional<Path> identity = table.path("tls_identity");
        if (!wanted) {
            Stream.of("tls_trust", "tls_identity")
                    .filter(table::has)
                    .forEach(key -> table.problem(
                            key,
                            "\"zookeeper." + key
                                    + "\" is set, and \"zookeeper.tls\" is not: everything would cross the network in the clear",
                            "add tls = true, or remove it"));
            return Optional.empty();
        }
        if (withFiles) {
            SecretFile.checkReadable(
                    table, "tls_trust", trust, "put the certificate of the authority there that signed the servers'");
            identity.ifPresent(key ->
                    SecretFile.check(table, "tls_identity", key, "this node's certificate and private key in PEM"));
        }
        return Optional.of(new ZooKeeperSettings.Tls(trust, identity));
    }

    private static boolean hasPort(String server) {
        String digits = server.substring(server.lastIndexOf(':') + 1);
        return digits.length() <= 5 && Integer.parseInt(digits) >= 1 && Integer.parseInt(digits) <= LAST_PORT;
    }

    private ChannelSettings channel(TableReader table) {
        String address = table.text("bind_address", "127.0.0.1");
        if (!ADDRESS.matcher(address).matches()) {
            table.problem("bind_address", "\"" + address + "\" is not an address", "write this node's IP address");
        }
        int port = table.integer("port", 7800, 1, LAST_PORT);
        Path key = table.path("key").orElse(file.resolveSibling("channel.key"));
        if (withFiles) {
            SecretFile.check(table, "key", key, "a random text, the same on every node");
        }
        return new ChannelSettings(address, port, key);
    }

    private QemuProgram qemu(TableReader table) {
        String emulator = table.text("emulator", QemuProgram.INSTALLED);
        if (!PROGRAM.matcher(emulator).matches()) {
            table.problem(
                    "emulator",
                    "\"" + emulator + "\" is neither the name of a program nor a whole path",
                    "write \"qemu-system-x86_64\", or a path beginning with /");
        }
        if (withFiles && emulator.startsWith("/") && !Files.isExecutable(Path.of(emulator))) {
            table.problem("emulator", "there is no program " + emulator, "install it, or correct the path");
        }
        List<Path> firmware = table.paths("firmware_dirs");
        firmware.forEach(directory -> mustBeDirectory(table, "firmware_dirs", directory));
        Optional<Path> modules = table.path("module_dir");
        modules.ifPresent(directory -> mustBeDirectory(table, "module_dir", directory));
        Optional<String> user = table.text("user");
        user.ifPresent(name -> mustBeUser(table, name));
        return new QemuProgram(emulator, firmware, modules, user, table.flag("sandbox", true));
    }

    private void mustBeUser(TableReader table, String name) {
        if (!GROUP.matcher(name).matches() || name.equals("root")) {
            table.problem(
                    "user",
                    "\"" + name + "\" is no user that QEMU could become",
                    "name a system user, usually \"holdfast-qemu\", or remove \"qemu.user\"");
        } else if (withFiles && !SystemAccounts.hasUser(name)) {
            table.problem(
                    "user",
                    "there is no user " + name + " on this machine",
                    "make it: useradd --system --no-create-home --shell /usr/sbin/nologin --groups kvm " + name);
        }
    }

    private void mustBeDirectory(TableReader table, String key, Path directory) {
        if (withFiles && !Files.isDirectory(directory)) {
            table.problem(key, "there is no directory " + directory, "install what it belongs to, or correct the path");
        }
    }

    private static MigrationSettings migration(TableReader table) {
        return new MigrationSettings(
                table.size("bandwidth", 1L << 30, 16L << 10, 1L << 40),
                table.duration("downtime", Duration.ofMillis(300), Duration.ofMillis(1), Duration.ofMinutes(1)),
                table.duration("timeout", Duration.ofMinutes(10), Duration.ofSeconds(1), Duration.ofHours(24)),
                table.text("ports").flatMap(text -> ports(table, text)));
    }

    private static Optional<PortRange> ports(TableReader table, String text) {
        try {
            return Optional.of(PortRange.of(text));
        } catch (IllegalArgumentException e) {
            table.problem("ports", "\"migration.ports\" is no range of ports", e.getMessage());
            return Optional.empty();
        }
    }

    private CheckpointSettings checkpoint(TableReader table) {
        Optional<Path> key = table.path("memory_key_file");
        key.ifPresent(each -> mustBeMemoryKey(table, each));
        return new CheckpointSettings(
                table.duration("deadline", Duration.ofSeconds(5), Duration.ofMillis(100), Duration.ofMinutes(10)),
                table.duration("prepare_timeout", Duration.ofSeconds(60), Duration.ofSeconds(1), Duration.ofHours(1)),
                table.duration("drain_timeout", Duration.ofMinutes(10), Duration.ofSeconds(1), Duration.ofHours(24)),
                table.duration("revert_deadline", Duration.ofMinutes(2), Duration.ofSeconds(1), Duration.ofMinutes(10)),
                key,
                // Without one of these the agent still does everything but read old images: it starts, and warns.
                table.paths("old_memory_key_files"));
    }

    private void mustBeMemoryKey(TableReader table, Path secret) {
        if (withFiles) {
            SecretFile.check(table, "memory_key_file", secret, "32 random bytes in base64, the same on every node");
        }
    }
}
