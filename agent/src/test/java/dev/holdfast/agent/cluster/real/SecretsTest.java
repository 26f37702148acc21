package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** What the secrets of a cluster are is said nowhere but in their files, whatever the agents have done. */
@Tag("qemu")
@Tag("cluster")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SecretsTest extends OnRealCluster {
    private static final List<String> SECRETS = List.of(
            RealCluster.PASSWORD,
            RealCluster.CHANNEL_KEY,
            RealCluster.MEMORY_KEY,
            new String(Base64.getDecoder().decode(RealCluster.MEMORY_KEY), StandardCharsets.ISO_8859_1));
    private static final long MOST_OF_A_FILE = 64 << 20;

    /** What a secret looks like to somebody who searches for it. */
    private static List<String> forms() {
        List<String> forms = new ArrayList<>();
        for (String secret : SECRETS) {
            byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
            forms.add(secret);
            forms.add(HexFormat.of().formatHex(bytes));
            forms.add(HexFormat.of().withUpperCase().formatHex(bytes));
            // Without the last two characters, which depend on what follows; at each of the three places it may begin.
            for (int shift = 0; shift < 3; shift++) {
                byte[] shifted = new byte[bytes.length + shift];
                System.arraycopy(bytes, 0, shifted, shift, bytes.length);
                String text = Base64.getEncoder().withoutPadding().encodeToString(shifted);
                forms.add(text.substring(shift == 0 ? 0 : 4, text.length() - 2));
            }
        }
        return forms;
    }

    @BeforeAll
    static void encryptMemory() throws IOException {
        for (RealNode node : cluster.nodes) {
            RealCluster.encryptMemory(node);
            node.agent.signal("TERM");
            node.agent.awaitEnd();
            node.agent.startAgain();
        }
        cluster.awaitPresent();
    }

    private static void assertSilent(String where, byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        for (String form : forms()) {
            assertThat(text.contains(form))
                    .as("%s says a secret, as %s", where, form)
                    .isFalse();
        }
    }

    @Test
    @Order(1)
    void secretsAreSaidNowhere() throws Exception {
        SortedMap<String, String> said = new TreeMap<>();
        RealNode node = cluster.n1();
        String[][] commands = {
            {"checkpoint", "create", GROUP + "@first"},
            {"checkpoint", "create", GROUP + "@first"},
            {"vm", "migrate", "web1", "--to", "n2"},
            {"checkpoint", "create", GROUP + "@refused", "--method", "background"},
            {"checkpoint", "verify", GROUP + "@first"},
            {"checkpoint", "show", GROUP + "@first"},
            {"cluster", "status", "-o", "json"},
            {"fsck"},
            {"doctor", "--bundle", cluster.home.resolve("bundle.tar.gz").toString()},
            {"checkpoint", "delete", "--yes", GROUP + "@first"},
        };
        for (String[] command : commands) {
            said.put(
                    said.size() + " " + String.join(" ", command),
                    node.run(command).all());
        }
        require(node.run("vm", "list"));
        assertThat(said.get("2 vm migrate web1 --to n2")).doesNotStartWith("exit 0");
        assertThat(said.get("3 checkpoint create " + GROUP + "@refused --method background"))
                .contains("memory images are encrypted");
        assertThat(said.get("5 checkpoint show " + GROUP + "@first")).contains(", encrypted");
        Map<String, String> errors = misconfigured();
        assertThat(errors.values())
                .anyMatch(text -> text.contains("can be read by others than its owner; chmod 0600"))
                .anyMatch(text -> text.contains("no colon"))
                .anyMatch(text -> text.contains("/dev/urandom"))
                .anyMatch(text -> text.contains("the key for memory images"));
        said.putAll(errors);
        said.forEach((what, text) -> assertSilent(what, text.getBytes(StandardCharsets.UTF_8)));

        Path bundle = cluster.home.resolve("bundle.tar.gz");
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(bundle)))) {
            assertSilent("the bundle", in.readAllBytes());
        }
        assertThat(processes()).as("processes that were looked at").isGreaterThanOrEqualTo(7);
        assertThat(files()).as("files that were looked at").isGreaterThan(30);
        try (StoreByHand store = new StoreByHand(node)) {
            SortedMap<String, byte[]> tree = store.all();
            assertThat(tree).hasSizeGreaterThan(10);
            tree.forEach((path, data) -> assertSilent(path + " in ZooKeeper", data));
        }
    }

    /** Both keys, as the manual says, and nobody's machine notices. */
    @Test
    @Order(2)
    void theKeysAreChangedWhileTheMachinesRun() throws Exception {
        String pids = pids();
        long before = cluster.n1().vm.counter();
        Path bystander = Files.createDirectory(cluster.home.resolve("stolen"));
        for (String file : List.of("zookeeper.secret", "channel.key")) {
            Files.copy(cluster.n1().home.resolve(file), bystander.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
        }
        try (StoreByHand store = new StoreByHand(cluster.n1())) {
            for (RealNode node : cluster.nodes) {
                Files.writeString(node.home.resolve("zookeeper.secret"), "holdfast:the-next-pass-word\n");
                Files.writeString(node.home.resolve("channel.key"), "the next key, which is long enough\n");
            }
            store.changePassword("the-next-pass-word");
        }
        for (RealNode node : cluster.nodes) {
            node.agent.signal("TERM");
            node.agent.awaitEnd();
            node.agent.startAgain();
        }
        cluster.awaitPresent();
        cluster.assertConverged("with-new-keys");
        assertThat(pids()).as("processes of the machines").isEqualTo(pids);
        assertThat(cluster.n1().vm.counter()).isGreaterThan(before);
        assertOut(bystander);
    }

    private static String pids() throws IOException {
        StringBuilder all = new StringBuilder();
        for (RealNode node : cluster.nodes) {
            all.append(Files.readString(node.home.resolve("run/vms/" + node.vm.name + "/pid")));
        }
        return all.toString();
    }

    /** A third node that has the old keys is neither in the group nor in the store. */
    private static void assertOut(Path old) throws IOException {
        Path home = Files.createDirectory(cluster.home.resolve("n3"));
        RealCluster.configure(home, "n3", cluster.store, RealCluster.freePort());
        for (String file : List.of("zookeeper.secret", "channel.key")) {
            Files.copy(old.resolve(file), home.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        RealProcess agent = new RealProcess(home.resolve("agent.log"), RealNode.java(home, "agent"));
        try {
            await().atMost(RealCluster.BOUND).until(() -> agent.log().contains("refuses user \"holdfast\""));
            assertThat(cluster.n1().run("cluster", "status").out()).doesNotContain("n3");
        } finally {
            agent.kill();
        }
    }

    /** What an agent says whose secrets others may read, or are no secrets. */
    private static Map<String, String> misconfigured() throws IOException {
        Map<String, String> said = new TreeMap<>();
        for (String[] damage : new String[][] {
            {"zookeeper.secret", "rw-r-----", "holdfast:" + RealCluster.PASSWORD},
            {"zookeeper.secret", "rw-------", RealCluster.PASSWORD},
            {"channel.key", "rw----r--", RealCluster.CHANNEL_KEY},
            {"channel.key", "rw-------", RealCluster.PASSWORD.substring(0, 12)},
            {"memory.key", "rw-r-----", RealCluster.MEMORY_KEY},
            {"memory.key", "rw-------", RealCluster.MEMORY_KEY + RealCluster.MEMORY_KEY},
        }) {
            Path home = Files.createDirectory(cluster.home.resolve("wrong" + said.size()));
            RealCluster.configure(home, "n9", 1, 2);
            Path file = home.resolve(damage[0]);
            if (damage[0].equals("memory.key")) {
                RealCluster.encryptMemory(home);
            }
            Files.writeString(file, damage[2] + "\n");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(damage[1]));
            RealProcess agent = new RealProcess(home.resolve("agent.log"), RealNode.java(home, "agent"));
            agent.awaitEnd();
            said.put(String.join(" ", damage[0], damage[1]) + said.size(), agent.log());
            Files.delete(file);
        }
        return said;
    }

    /** Command line and environment of everything that runs here. */
    private static int processes() throws IOException {
        List<Long> all = new ArrayList<>(
                ProcessHandle.current().descendants().map(ProcessHandle::pid).toList());
        for (RealNode node : cluster.nodes) {
            all.add(Long.parseLong(Files.readString(node.home.resolve("run/vms/" + node.vm.name + "/pid"))
                    .strip()));
        }
        for (long pid : all) {
            for (String file : List.of("cmdline", "environ")) {
                Path path = Path.of("/proc", Long.toString(pid), file);
                if (Files.exists(path)) {
                    assertSilent(path.toString(), Files.readAllBytes(path));
                }
            }
        }
        return all.size();
    }

    /** Logs, journals, state, sidecars and what ZooKeeper keeps: all but the files that are secrets, and the disks. */
    private static int files() throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.walk(cluster.home)) {
            all = files.filter(Files::isRegularFile)
                    .filter(file -> !file.endsWith("zookeeper.secret")
                            && !file.endsWith("channel.key")
                            && !file.endsWith("memory.key"))
                    .filter(file -> !file.toString().endsWith(".qcow2") && !file.endsWith("boot.img"))
                    .toList();
        }
        int looked = 0;
        for (Path file : all) {
            if (Files.size(file) < MOST_OF_A_FILE) {
                assertSilent(file.toString(), Files.readAllBytes(file));
                looked++;
            }
        }
        return looked;
    }
}
