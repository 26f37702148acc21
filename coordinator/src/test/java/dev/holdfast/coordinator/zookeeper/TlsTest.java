package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The store by TLS, with certificates on both sides. */
@BesideOthers
class TlsTest {

    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final Duration SESSION = Duration.ofSeconds(40);

    private static TlsEnsemble ensemble;

    @BeforeAll
    static void start() throws IOException {
        ensemble = TlsEnsemble.start(Files.createTempDirectory("zk-tls-"));
        // A majority serves sooner; ZooKeeper's own client gives up with the first server that is not there yet.
        for (String server : ensemble.connect().split(",")) {
            awaitServing(server);
        }
    }

    @AfterAll
    static void end() {
        ensemble.close();
    }

    private static Optional<Path> identity() {
        return Optional.of(ensemble.file("n1.pem"));
    }

    private static ZooKeeperStore open(String connect, Path trust, Optional<Path> identity) throws IOException {
        StoreSettings settings = StoreSettings.of(
                        connect, SharedEnsemble.cluster(), new Name("n1"), SharedEnsemble.CREDENTIALS, SESSION)
                .with(StoreTls.read(trust, identity));
        return SharedEnsemble.open(settings, new SharedEnsemble.Memory());
    }

    /** The reason, long before the time-out of an operation. */
    private static String refusal(String connect, Path trust, Optional<Path> identity, String word) throws IOException {
        awaitServing();
        try (ZooKeeperStore store = open(connect, trust, identity)) {
            String[] reason = {""};
            Awaitility.await().atMost(BOUND).ignoreExceptions().until(() -> {
                try {
                    store.awaitReady(Duration.ofMillis(100));
                    throw new AssertionError("it was let in");
                } catch (StoreUnreachableException refused) {
                    reason[0] = refused.getMessage();
                    return reason[0].contains(word);
                }
            });
            return reason[0];
        }
    }

    private static void awaitServing() throws IOException {
        awaitServing(ensemble.connect());
    }

    private static void awaitServing(String servers) throws IOException {
        try (ZooKeeperStore store = open(servers, ensemble.file("ca.pem"), identity())) {
            store.awaitReady(BOUND);
        } catch (StoreUnreachableException e) {
            throw new AssertionError(ensemble.logs(), e);
        }
    }

    @Test
    void aNodeWithACertificateWorksWithTheStore() throws Exception {
        awaitServing();
        try (ZooKeeperStore store = open(ensemble.connect(), ensemble.file("ca.pem"), identity())) {
            store.awaitReady(BOUND);
            store.catalogue().addToGroup(new Name("shop"), new Name("web"));
            assertThat(store.catalogue().groups()).hasSize(1);
            store.nodes()
                    .publish(new NodeRegistry.Node(
                            new Name("n1"), "id", "127.0.0.1:7800", "", "test", 1, new TreeMap<>()));
            assertThat(store.nodes().nodes()).hasSize(1);
        }
        Set<String> threads = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !thread.isDaemon())
                .map(Thread::getName)
                .filter(name -> name.startsWith("zkNetty"))
                .collect(Collectors.toSet());
        assertThat(threads).as("threads that would keep an agent from ending").isEmpty();
    }

    /** The certificate lets it speak to the servers; what is there belongs to the cluster's user all the same. */
    @Test
    void aCertificateAloneGivesNoRights() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        StoreTls tls = StoreTls.read(ensemble.file("ca.pem"), identity());
        try (ZooKeeperStore store = SharedEnsemble.open(
                StoreSettings.of(ensemble.connect(), cluster, new Name("n1"), SharedEnsemble.CREDENTIALS, SESSION)
                        .with(tls),
                new SharedEnsemble.Memory())) {
            store.awaitReady(BOUND);
        }
        Credentials other = new Credentials("holdfast", "battery-staple");
        try (ZooKeeperStore intruder = SharedEnsemble.open(
                StoreSettings.of(ensemble.connect(), cluster, new Name("n2"), other, SESSION)
                        .with(tls),
                new SharedEnsemble.Memory())) {
            assertThatThrownBy(() -> intruder.awaitReady(BOUND)).hasMessageContaining("refuses user \"holdfast\"");
            assertThatThrownBy(() -> intruder.catalogue().groups()).isInstanceOf(StoreUnreachableException.class);
        }
    }

    @Test
    void zooKeepersOwnClientGetsInAsTheManualSays() throws Exception {
        awaitServing();
        String user = new String(SharedEnsemble.CREDENTIALS.digest(), StandardCharsets.UTF_8);
        // It gives up when the first answer of the server comes in two pieces (EOFException in readConnectResult),
        // which is not ours.
        await("it lists what is there").atMost(BOUND).untilAsserted(() -> {
            String said = ClientOfTheManual.typedByTls(
                    ensemble.connect(),
                    ensemble.file("ca.pem").getParent(),
                    "addauth digest " + user + "\nls /holdfast");
            assertThat(said).as(said).containsPattern("\\[[a-z0-9-]+(, [a-z0-9-]+)*\\]\\s");
        });
    }

    /** Neither a four-letter word nor a session of ZooKeeper's protocol is answered in the clear. */
    @Test
    void whoDoesNotSpeakTlsIsNotAnswered() throws Exception {
        awaitServing();
        byte[] session = ByteBuffer.allocate(49).putInt(45).array();
        for (byte[] words : List.of("srvr".getBytes(StandardCharsets.US_ASCII), session)) {
            String[] server = ensemble.connect().split(",")[0].split(":");
            try (Socket socket = new Socket(server[0], Integer.parseInt(server[1]))) {
                socket.setSoTimeout(Math.toIntExact(BOUND.toMillis()));
                socket.getOutputStream().write(words);
                assertThat(new String(socket.getInputStream().readNBytes(200), StandardCharsets.ISO_8859_1))
                        .doesNotContain("Zookeeper", "Mode")
                        .hasSizeLessThan(20);
            } catch (SocketException hungUp) {
                assertThat(hungUp).hasMessageContaining("reset");
            }
        }
    }

    @Test
    void aServerOfAnotherAuthorityIsToldWithinSeconds() throws Exception {
        try (TlsEnsemble stranger = ensemble.stranger()) {
            assertThat(refusal(ensemble.connect(), stranger.file("ca.pem"), identity(), "signed"))
                    .contains("is not signed by an authority in " + stranger.file("ca.pem"))
                    .contains("tls_trust")
                    .contains("Running machines are not affected");
            assertThat(refusal(
                            ensemble.connect(),
                            ensemble.file("ca.pem"),
                            Optional.of(stranger.file("n1.pem")),
                            "refuses"))
                    .contains("refuses the certificate of this node in " + stranger.file("n1.pem"))
                    .contains("ssl.trustStore");
        }
    }

    @Test
    void aMissingCertificateIsToldWithinSeconds() throws Exception {
        assertThat(refusal(ensemble.connect(), ensemble.file("ca.pem"), Optional.empty(), "wants"))
                .contains("wants a certificate of this node")
                .contains("tls_identity");
    }

    @Test
    void aNameThatTheServersCertificateDoesNotHaveIsTold() throws Exception {
        String connect = ensemble.connect().replace("127.0.0.1", "localhost");
        assertThat(refusal(connect, ensemble.file("ca.pem"), identity(), "made out"))
                .contains("is not made out to \"localhost\"");
    }

    @Test
    void aPortThatDoesNotSpeakTlsIsTold() throws Exception {
        assertThat(refusal(SharedEnsemble.get().connect(), ensemble.file("ca.pem"), identity(), "greeted"))
                .contains("hangs up", "is no secureClientPort");
    }

    @Test
    void filesThatCannotBeUsedAreRefusedWithWhatToDo() throws Exception {
        Path trust = ensemble.file("ca.pem");
        Path identity = ensemble.file("n1.pem");
        Path open = Files.copy(ensemble.file("n1.crt"), ensemble.file("open.pem"));
        Files.writeString(open, Files.readString(identity));
        assertRefused(trust, Optional.of(open), "can be read by others", "chmod 600");
        assertRefused(identity.resolveSibling("nowhere.pem"), Optional.empty(), "is missing");
        assertRefused(ensemble.file("n1.key"), Optional.empty(), "holds no certificate");
        assertRefused(trust, Optional.of(ensemble.file("n1.key")), "must hold both");
        for (String[] form : new String[][] {
            {"openssl ec -in n1.key -out form.key", "openssl pkcs8"},
            {"openssl pkey -in n1.key -aes256 -passout pass:x -out form.key", "is encrypted"},
            {"echo -----BEGIN PRIVATE KEY-----; echo -----BEGIN PRIVATE KEY----- > form.key", "cannot be read"},
        }) {
            TlsEnsemble.run(
                    trust.getParent(),
                    "umask 077; rm -f form.key form.pem;" + form[0] + "; cat form.key n1.crt > form.pem");
            assertRefused(trust, Optional.of(ensemble.file("form.pem")), form[1]);
        }
        Stream.of("open.pem", "form.key", "form.pem")
                .forEach(file -> ensemble.file(file).toFile().delete());
    }

    private static void assertRefused(Path trust, Optional<Path> identity, String... words) {
        assertThatThrownBy(() -> StoreTls.read(trust, identity))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(words);
    }
}
