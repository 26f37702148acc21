package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

@BesideOthers
class LeadershipTest {

    private static final Duration BOUND = Duration.ofMinutes(1);

    @Test
    void exactlyOneHoldsOfficeAndTheNextReignIsHigher() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        Elections first = new Elections();
        Elections second = new Elections();
        try (ZooKeeperStore observer = SharedEnsemble.open(cluster, "n3");
                ZooKeeperStore follower = SharedEnsemble.open(cluster, "n2")) {
            assertThat(observer.nodes().leader()).isEmpty();
            Epoch before;
            try (ZooKeeperStore leader = SharedEnsemble.open(cluster, "n1")) {
                leader.leadership().start(first);
                before = first.awaitElected();
                follower.leadership().start(second);
                awaitLeader(observer, "n1");
                assertThat(second.office.get()).isEmpty();
            }
            assertThat(first.told).endsWith("deposed");
            assertThat(second.awaitElected()).isGreaterThan(before);
            awaitLeader(observer, "n2");
        }
    }

    /** Its server may be behind that of the leader. */
    private static void awaitLeader(ZooKeeperStore store, String node) {
        Awaitility.await()
                .atMost(BOUND)
                .untilAsserted(() -> assertThat(store.nodes().leader()).contains(new Name(node)));
    }

    /** As a person does with 'holdfast cluster adopt-store' on a node that had seen a later reign. */
    @Test
    void leaderWhoseReignWasEndedByAnotherNodeTakesOfficeAnew() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        Elections elections = new Elections();
        SharedEnsemble.Memory ahead = new SharedEnsemble.Memory();
        ahead.keep(new StoreIdentity("lost", new Epoch(9), 1));
        try (ZooKeeperStore leader = SharedEnsemble.open(cluster, "n1");
                ZooKeeperStore other = SharedEnsemble.open(
                        SharedEnsemble.settings(SharedEnsemble.get().connect(), cluster, "n2"), ahead)) {
            leader.leadership().start(elections);
            Epoch first = elections.awaitElected();

            Epoch raised = other.adopt().epoch();

            assertThat(raised).isGreaterThan(new Epoch(9));
            Awaitility.await()
                    .atMost(BOUND)
                    .until(() -> elections.office.get().isPresent()
                            && elections.office.get().get().compareTo(raised) > 0);
            assertThat(elections.told).startsWith("elected " + first, "deposed");
            awaitLeader(other, "n1");
        }
    }

    @Test
    void leaderThatWakesUpLateCannotDecide() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        Process zombie = start(cluster);
        try (BufferedReader told = zombie.inputReader(StandardCharsets.UTF_8);
                BufferedWriter orders =
                        new BufferedWriter(new OutputStreamWriter(zombie.getOutputStream(), StandardCharsets.UTF_8));
                ZooKeeperStore next = SharedEnsemble.open(cluster, "n2")) {
            Epoch old = new Epoch(Long.parseLong(answer(told, "elected ")));
            order(orders, "open");
            assertThat(answer(told, "answer ")).startsWith("Done");
            Elections elections = new Elections();
            next.leadership().start(elections);
            signal(zombie, "STOP");

            Epoch reign = elections.awaitElected();
            assertThat(reign).isGreaterThan(old);
            RoundSpec spec = next.decisions().rounds().get(0).spec();
            assertThat(next.decisions().decide(spec, Decision.ABORTED, 0, reign, List.of(), Rounds.NO_REASON))
                    .isInstanceOf(Written.Done.class);
            order(orders, "commit");
            signal(zombie, "CONT");

            assertThat(answer(told, "answer ")).doesNotStartWith("Done");
            assertThat(next.decisions().read(spec.id()).orElseThrow().state()).isEqualTo(RoundState.ABORTED);
            Awaitility.await().atMost(BOUND).until(() -> {
                order(orders, "commit");
                String again = answer(told, "answer ");
                assertThat(again).isIn("StaleEpoch[]", "Unknown[]");
                return again.equals("StaleEpoch[]");
            });
            assertThat(next.catalogue().checkpoints(spec.group())).isEmpty();
            assertThat(elections.told).containsExactly("elected " + reign);
        } finally {
            zombie.destroyForcibly();
        }
    }

    private static Process start(Name cluster) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xmx96m",
                        "-Djava.util.logging.config.file=" + System.getProperty("java.util.logging.config.file"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        LeaderMain.class.getName(),
                        SharedEnsemble.get().connect(),
                        cluster.value(),
                        "n1")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static void order(BufferedWriter orders, String order) throws IOException {
        orders.write(order + "\n");
        orders.flush();
    }

    private static String answer(BufferedReader told, String prefix) throws IOException {
        for (String line = told.readLine(); line != null; line = told.readLine()) {
            if (line.startsWith(prefix)) {
                return line.substring(prefix.length());
            }
        }
        throw new IOException("the process has ended without \"" + prefix + "\"");
    }

    private static void signal(Process process, String signal) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    @Test
    void suspendedConnectionCountsAsLost() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        Elections elections = new Elections();
        Ensemble ensemble = SharedEnsemble.get();
        try (ZooKeeperStore store = SharedEnsemble.open(cluster, "n1")) {
            store.leadership().start(elections);
            Epoch before = elections.awaitElected();
            int backBefore = elections.storeBack.get();
            for (int server = 0; server < 3; server++) {
                ensemble.signal(server, "STOP");
            }
            try {
                elections.awaitDeposed();
            } finally {
                for (int server = 0; server < 3; server++) {
                    ensemble.signal(server, "CONT");
                }
            }
            assertThat(elections.awaitElected()).isGreaterThan(before);
            Awaitility.await().atMost(BOUND).until(() -> elections.storeBack.get() > backBefore);
            assertThat(store.identity()).isNotEqualTo(Optional.empty());
        }
        ensemble.awaitServing();
    }
}
