package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
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
import org.junit.jupiter.api.io.TempDir;

/** What the secrets of a cluster are is said nowhere but in their files, whatever the agents have done. */
@Tag("qemu")
@Tag("cluster")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SecretsTest extends OnRealCluster {
    private static final String TLS = """
            [zookeeper]
            tls = true
            tls_trust = "%s"
            tls_identity = "%s"
            """;

    @TempDir
    static Path tls;

    /** Those of the files, and the private key of a certificate: the lines of its text, and the number itself. */
    private static SecretSearch search() throws Exception {
        List<byte[]> secrets = new ArrayList<>();
        List<String> key = Files.readAllLines(tls.resolve("key.pem")).stream()
                .filter(line -> !line.startsWith("-"))
                .toList();
        Stream.concat(Stream.of(RealCluster.PASSWORD, RealCluster.CHANNEL_KEY, RealCluster.MEMORY_KEY), key.stream())
                .forEach(secret -> secrets.add(secret.getBytes(StandardCharsets.UTF_8)));
        secrets.add(Base64.getDecoder().decode(RealCluster.MEMORY_KEY));
        byte[] form = Base64.getDecoder().decode(String.join("", key));
        BigInteger number =
                ((ECPrivateKey) KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(form))).getS();
        secrets.add(HexFormat.of().parseHex("%064x".formatted(number)));
        return new SecretSearch(cluster, secrets);
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

    /** A certificate that is its own authority; with its key as it is to be, and with the key under a phrase. */
    private static void makeIdentity() throws Exception {
        Process openssl = new ProcessBuilder("sh", "-e", "-c", """
                umask 077
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=n9 -keyout key.pem -out ca.pem
                cat key.pem ca.pem > identity.pem
                openssl pkey -in key.pem -aes256 -passout pass:x -out locked.key
                cat locked.key ca.pem > locked.pem
                cp identity.pem open.pem
                chmod 644 open.pem
                """)
                .directory(tls.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(openssl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(openssl.waitFor()).as(said).isZero();
    }

    @Test
    @Order(1)
    void secretsAreSaidNowhere() throws Exception {
        makeIdentity();
        SecretSearch search = search();
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
        said.forEach((what, text) -> search.assertSilent(what, text.getBytes(StandardCharsets.UTF_8)));
        assertSilentBundle(search, cluster.home.resolve("bundle.tar.gz"));
        withTls(search);
        search.everywhere();
    }

    private static void assertSilentBundle(SecretSearch search, Path bundle) throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(bundle)))) {
            search.assertSilent(bundle.toString(), in.readAllBytes());
        }
    }

    /** Agents with the private key of a certificate: others may read it, it is encrypted, the server does not speak TLS. */
    private static void withTls(SecretSearch search) throws Exception {
        for (String[] each : new String[][] {
            {"open.pem", "can be read by others"},
            {"locked.pem", "is encrypted"},
            {"identity.pem", "is no secureClientPort"},
        }) {
            Path home = Files.createDirectory(cluster.home.resolve("tls-" + each[0]));
            RealCluster.configure(home, "n9", cluster.store, RealCluster.freePort());
            Path configuration = home.resolve("holdfast.toml");
            String tlsToo = TLS.formatted(tls.resolve("ca.pem"), tls.resolve(each[0]));
            Files.writeString(configuration, Files.readString(configuration).replace("[zookeeper]\n", tlsToo));
            RealProcess agent = new RealProcess(home.resolve("agent.log"), RealNode.java(home, "agent"));
            try {
                await().atMost(RealCluster.BOUND).until(() -> agent.log().contains(each[1]));
                Path bundle = home.resolve("bundle.tar.gz");
                Told told = Told.by("--config", configuration.toString(), "doctor", "--bundle", bundle.toString());
                search.assertSilent("doctor of " + each[0], told.all().getBytes(StandardCharsets.UTF_8));
                assertSilentBundle(search, bundle);
            } finally {
                agent.kill();
            }
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
}
