package dev.holdfast.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.agent.hypervisor.PortRange;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeSettingsTest {
    @TempDir
    private Path directory;

    private ConfigurationFiles files;

    @BeforeEach
    void writeDefaults() throws IOException {
        files = new ConfigurationFiles(directory);
    }

    @Test
    void anEmptyFileGivesTheDefaults() throws Exception {
        assertThat(files.load().node())
                .isEqualTo(new NodeSettings(
                        new Name("host1"),
                        new Name("holdfast"),
                        Path.of("/run/holdfast"),
                        Path.of("/var/lib/holdfast"),
                        directory.resolve("vms"),
                        "haclient",
                        Optional.empty(),
                        new ZooKeeperSettings(
                                "127.0.0.1:2181",
                                Duration.ofSeconds(6),
                                directory.resolve("zookeeper.secret"),
                                true,
                                Optional.empty()),
                        new ChannelSettings("127.0.0.1", 7800, directory.resolve("channel.key")),
                        new CheckpointSettings(
                                Duration.ofSeconds(5),
                                Duration.ofSeconds(60),
                                Duration.ofMinutes(10),
                                Duration.ofMinutes(2),
                                Optional.empty(),
                                List.of()),
                        new MigrationSettings(
                                1L << 30, Duration.ofMillis(300), Duration.ofMinutes(10), Optional.empty()),
                        new QemuProgram("qemu-system-x86_64", List.of(), Optional.empty(), Optional.empty(), true)));
    }

    @Test
    void everyKeyIsMapped() throws Exception {
        Path secret = files.secret("other.secret", "a:b");
        Path key = files.secret("other.key", "k");
        Path memory = files.secret("memory.key", "m");
        Path older = files.secret("memory-old.key", "o");
        files.node("""
                node = "n1"
                cluster = "lab"
                run_dir = "/tmp/run"
                state_dir = "/tmp/state"
                vms_dir = "/tmp/no-such-vms"
                admin_group = "wheel"
                status_group = "staff"
                [migration]
                bandwidth = "32M"
                downtime = "50ms"
                timeout = "3m"
                ports = "49152-49215"
                [zookeeper]
                connect = "n1:2181, n2:2181"
                session_timeout = "8s"
                close_root = false
                credentials = "%s"
                [channel]
                bind_address = "10.77.0.11"
                port = 7900
                key = "%s"
                [checkpoint]
                deadline = "1500ms"
                prepare_timeout = "2m"
                drain_timeout = "1h"
                revert_deadline = "5m"
                memory_key_file = "%s"
                old_memory_key_files = ["%s"]
                [qemu]
                emulator = "/bin/sh"
                firmware_dirs = ["/usr/share", "/usr/lib/../lib"]
                module_dir = "/usr/lib"
                user = "nobody"
                sandbox = false
                """.formatted(secret, key, memory, older));

        NodeSettings node = files.load().node();

        assertThat(node)
                .isEqualTo(new NodeSettings(
                        new Name("n1"),
                        new Name("lab"),
                        Path.of("/tmp/run"),
                        Path.of("/tmp/state"),
                        Path.of("/tmp/no-such-vms"),
                        "wheel",
                        Optional.of("staff"),
                        new ZooKeeperSettings(
                                "n1:2181,n2:2181", Duration.ofSeconds(8), secret, false, Optional.empty()),
                        new ChannelSettings("10.77.0.11", 7900, key),
                        new CheckpointSettings(
                                Duration.ofMillis(1500),
                                Duration.ofMinutes(2),
                                Duration.ofHours(1),
                                Duration.ofMinutes(5),
                                Optional.of(memory),
                                List.of(older)),
                        new MigrationSettings(
                                32L << 20,
                                Duration.ofMillis(50),
                                Duration.ofMinutes(3),
                                Optional.of(new PortRange(49152, 49215))),
                        new QemuProgram(
                                "/bin/sh",
                                List.of(Path.of("/usr/share"), Path.of("/usr/lib")),
                                Optional.of(Path.of("/usr/lib")),
                                Optional.of("nobody"),
                                false)));
        assertThat(node.controlSocket()).isEqualTo(Path.of("/tmp/run/agent.sock"));
        assertThat(node.vmRunDirectory(new Name("web"))).isEqualTo(Path.of("/tmp/run/vms/web"));
    }

    @Test
    void allProblemsAreReportedAtOnceWithTheirPlaces() throws Exception {
        files.node("""
                nod = "n1"
                cluster = "a/b"
                run_dir = "run"
                [zookeeper]
                session_timout = "8s"
                connect = 5
                [channel]
                port = 70000
                [migration]
                ports = "49152-70000"
                [checkpoint]
                deadline = "5"
                prepare_timeout = "10d"
                drain_timeout = "100ms"
                """);
        files.vm("web.toml", "nam = \"web\"\n");

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text)
                                .isEqualTo("holdfast.toml:1:1: unknown key \"nod\"; did you mean \"node\"?"),
                        text -> assertThat(text)
                                .startsWith("holdfast.toml:2:1: \"cluster\": the name \"a/b\" is not allowed"),
                        text -> assertThat(text).startsWith("holdfast.toml:3:1: \"run_dir\" is the relative path"),
                        text -> assertThat(text)
                                .isEqualTo("holdfast.toml:5:1: unknown key \"zookeeper.session_timout\"; "
                                        + "did you mean \"session_timeout\"?"),
                        text -> assertThat(text)
                                .isEqualTo("holdfast.toml:6:1: \"zookeeper.connect\" is the number 5; "
                                        + "write a text in quotes"),
                        text -> assertThat(text)
                                .isEqualTo("holdfast.toml:8:1: \"channel.port\" is 70000; "
                                        + "use a number from 1 to 65535"),
                        text -> assertThat(text)
                                .isEqualTo("holdfast.toml:10:1: \"migration.ports\" is no range of ports; "
                                        + "ports 49152 to 70000 are no range from 1 to 65535"),
                        text -> assertThat(text)
                                .startsWith("holdfast.toml:12:1: \"checkpoint.deadline\": \"5\" is not a duration"),
                        text -> assertThat(text)
                                .startsWith("holdfast.toml:13:1: \"checkpoint.prepare_timeout\": \"10d\""),
                        text -> assertThat(text)
                                .isEqualTo("holdfast.toml:14:1: \"checkpoint.drain_timeout\" is 100ms; "
                                        + "use a duration from 1s to 24h"),
                        text -> assertThat(text)
                                .contains("vms/web.toml")
                                .contains("\"nam\"")
                                .contains("did you mean \"name\"?"),
                        text -> assertThat(text).contains("\"name\" is missing"),
                        text -> assertThat(text).contains("\"machine\" is missing"),
                        text -> assertThat(text).contains("\"memory\" is missing"));
    }

    @Test
    void everySyntaxErrorHasItsLine() throws Exception {
        files.node("node = \"n1\ncluster = \"lab\"\nport = = 3\n");

        assertThat(files.problems()).hasSizeGreaterThanOrEqualTo(2);
        assertThat(files.problems()).anyMatch(text -> text.startsWith("holdfast.toml:1:"));
        assertThat(files.problems()).anyMatch(text -> text.startsWith("holdfast.toml:3:"));
    }

    @Test
    void aMissingFileIsNamed() throws Exception {
        Files.delete(directory.resolve("holdfast.toml"));

        assertThat(files.problems())
                .containsExactly("holdfast.toml: the file is missing; create it, or name another with --config");
    }

    @Test
    void secretsMustExistAndBePrivate() throws Exception {
        Files.delete(directory.resolve("zookeeper.secret"));
        Files.setPosixFilePermissions(directory.resolve("channel.key"), PosixFilePermissions.fromString("rw-r-----"));
        files.node("[channel]\nkey = \"" + directory.resolve("channel.key") + "\"\n");

        assertThat(files.problems())
                .containsExactlyInAnyOrder(
                        "holdfast.toml: the file zookeeper.secret is missing; "
                                + "create it with mode 0600 and one line: user:password",
                        "holdfast.toml:2:1: the secret channel.key can be read by others than its owner; "
                                + "chmod 0600 channel.key");
    }

    @Test
    void theKeyForMemoryImagesMustExistAndOldOnesNeedNot() throws Exception {
        files.node("[checkpoint]\nmemory_key_file = \"" + directory.resolve("none.key")
                + "\"\nold_memory_key_files = [\"" + directory.resolve("old.key") + "\"]\n");

        assertThat(files.problems())
                .containsExactly(
                        "holdfast.toml:2:1: the file none.key is missing; create it with mode 0600 and 32 random bytes"
                                + " in base64, the same on every node");
    }

    @Test
    void theKeyForMemoryImagesIsASecretLikeTheOthers() throws Exception {
        Path open = Files.writeString(directory.resolve("open.key"), "key");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        files.node("[checkpoint]\nmemory_key_file = \"" + open + "\"\n");

        assertThat(files.problems())
                .containsExactly("holdfast.toml:2:1: the secret open.key can be read by others than its owner;"
                        + " chmod 0600 open.key");
    }

    @Test
    void theCommandLineDoesNotNeedTheSecrets() throws Exception {
        Files.delete(directory.resolve("zookeeper.secret"));

        assertThat(ConfigurationLoader.loadNode(files.node("run_dir = \"/tmp/x\"\nnode = \"n\"\n"))
                        .controlSocket())
                .isEqualTo(Path.of("/tmp/x/agent.sock"));
    }

    @Test
    void tlsToZooKeeperNeedsTheAuthorityAndMayHaveAnIdentity() throws Exception {
        Path trust = Files.writeString(directory.resolve("zookeeper-ca.pem"), "certificates");
        files.node("[zookeeper]\ntls = true\n");
        assertThat(files.load().node().zookeeper().tls()).contains(new ZooKeeperSettings.Tls(trust, Optional.empty()));

        Path identity = files.secret("n1.pem", "both");
        files.node("[zookeeper]\ntls = true\ntls_identity = \"" + identity + "\"\n");
        assertThat(files.load().node().zookeeper().tls())
                .contains(new ZooKeeperSettings.Tls(trust, Optional.of(identity)));
    }

    @Test
    void filesOfTlsMustBeThereAndTheKeyMustBeSecret() throws Exception {
        Path open = Files.writeString(directory.resolve("open.pem"), "key");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        files.node("[zookeeper]\ntls = true\ntls_identity = \"" + open + "\"\n");
        assertThat(files.problems())
                .containsExactlyInAnyOrder(
                        "holdfast.toml:1:1: the file zookeeper-ca.pem is missing; put the certificate of the authority"
                                + " there that signed the servers'",
                        "holdfast.toml:3:1: the secret open.pem can be read by others than its owner; chmod 0600 open.pem");

        files.node("[zookeeper]\ntls_trust = \"/x\"\n");
        assertThat(files.problems()).singleElement().asString().contains("would cross the network in the clear");
    }

    @Test
    void relationsNeededForLivenessAreChecked() throws Exception {
        files.node("""
                [zookeeper]
                session_timeout = "3s"
                [checkpoint]
                deadline = "1s"
                drain_timeout = "1s"
                """);

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text)
                                .startsWith("holdfast.toml:2:1: two thirds of \"zookeeper.session_timeout\""),
                        text -> assertThat(text).startsWith("holdfast.toml:4:1: \"checkpoint.deadline\" is 1s"),
                        text -> assertThat(text).startsWith("holdfast.toml:5:1: \"checkpoint.drain_timeout\" (1s)"));
    }

    @Test
    void socketPathsStayWithinTheLimitOfTheSystem() throws Exception {
        files.node("run_dir = \"/" + "x".repeat(60) + "\"\n");

        assertThat(files.problems()).singleElement().asString().contains("use at most 60 characters");
    }

    @Test
    void aQemuThatIsNotThereIsFoundBeforeAMachineNeedsIt() throws Exception {
        files.node("""
                [qemu]
                emulator = "/nowhere/qemu"
                firmware_dirs = ["share/qemu", "/nowhere/share"]
                module_dir = "/nowhere/modules"
                modul_dir = "/"
                """);

        assertThat(files.problems())
                .containsExactlyInAnyOrder(
                        "holdfast.toml:2:1: there is no program /nowhere/qemu; install it, or correct the path",
                        "holdfast.toml:3:1: \"qemu.firmware_dirs\" is the relative path \"share/qemu\", and a daemon"
                                + " has no place of its own; write the whole path, beginning with /",
                        "holdfast.toml:3:1: there is no directory /nowhere/share;"
                                + " install what it belongs to, or correct the path",
                        "holdfast.toml:4:1: there is no directory /nowhere/modules;"
                                + " install what it belongs to, or correct the path",
                        "holdfast.toml:5:1: unknown key \"qemu.modul_dir\"; did you mean \"module_dir\"?");
    }

    @Test
    void aQemuBesideTheConfigurationIsNoName() throws Exception {
        files.node("[qemu]\nemulator = \"bin/qemu\"\n");

        assertThat(files.problems())
                .singleElement()
                .asString()
                .contains("neither the name of a program nor a whole path");
    }

    @Test
    void aHostNameThatIsNoNodeNameMustBeReplaced() {
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(
                                ConfigurationException.class,
                                () -> ConfigurationLoader.load(directory.resolve("holdfast.toml"), "-bad-"))
                        .problems())
                .singleElement()
                .extracting(Problem::correction)
                .isEqualTo("add: node = \"...\"");
    }

    @Test
    void anOversizedFileIsRefused() throws Exception {
        files.node("#" + "x".repeat(2 << 20));

        assertThat(files.problems()).singleElement().asString().contains("more than 1 MiB");
    }

    @Test
    void portsAndTimesHaveToBePossible() throws Exception {
        files.node("""
                [zookeeper]
                connect = "n1:2181,n2:0,n3:70000"
                session_timeout = "10m"
                [channel]
                port = 65536
                """);

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text).contains("the port of \"n2:0\"", "from 1 to 65535"),
                        text -> assertThat(text).contains("the port of \"n3:70000\""),
                        text -> assertThat(text).contains("\"zookeeper.session_timeout\" is 10m", "to 5m"),
                        text -> assertThat(text).contains("\"channel.port\" is 65536", "from 1 to 65535"));
    }

    @Test
    void filesThatOthersCouldHaveWrittenAreNotBelieved() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web"));
        Path node = files.directory.resolve("holdfast.toml");
        Path machine = files.directory.resolve("vms/web.toml");
        Path key = files.directory.resolve("channel.key");
        assertThat(files.problems()).isEmpty();

        Files.setPosixFilePermissions(node, PosixFilePermissions.fromString("rw-r--rw-"));
        Files.setPosixFilePermissions(machine, PosixFilePermissions.fromString("rw-r--rw-"));
        assertThat(files.problems())
                .anyMatch(
                        text -> text.contains("holdfast.toml can be written by others") && text.contains("chmod go-w"))
                .anyMatch(text -> text.contains("web.toml can be written by others"));
        Files.setPosixFilePermissions(node, PosixFilePermissions.fromString("rw-r--r--"));
        Files.setPosixFilePermissions(machine, PosixFilePermissions.fromString("rw-r--r--"));

        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root to give files away");
        for (Path file : List.of(node, machine, key)) {
            Files.setAttribute(file, "unix:uid", 65534);
            assertThat(files.problems())
                    .as(file.toString())
                    .anyMatch(text -> text.contains(file.getFileName() + " belongs to user 65534")
                            && text.contains("chown root"));
            Files.setAttribute(file, "unix:uid", 0);
        }
        assertThat(files.problems()).isEmpty();
    }
}
