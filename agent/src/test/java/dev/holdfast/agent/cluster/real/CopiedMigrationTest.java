package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.BOUND;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static dev.holdfast.agent.cluster.real.RealCluster.told;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * web1 moves between two nodes that share no disks. Its guest writes to both of its disks all the time, and would notice if
 * memory and disks were of different moments.
 */
@Tag("qemu")
@Tag("cluster")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CopiedMigrationTest {
    private static final Duration SOON = BOUND;
    /** Two tries of 2 s, and 3 s for the agent. */
    private static final Duration MONITOR = Duration.ofSeconds(7);

    private static RealCluster cluster;
    private static Moving moving;
    private static RealVm here;
    private static RealVm there;

    @BeforeAll
    static void start() throws IOException {
        cluster = RealCluster.withDisksApart();
        List<String> copied = List.of("--copy-disks", "--downtime", "2s");
        moving = new Moving(cluster, copied, List.of("--copy-disks", "--downtime", "2s", "--bandwidth", "128K"));
        here = cluster.n1().vm;
        there = here.on(cluster.n2());
        here.writeToDisk();
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    /** Each test begins with web1 on n1. */
    @AfterEach
    void bringBack() throws IOException {
        cluster.wakeAgents();
        if (!here.hasProcess() && !there.hasProcess()) {
            await("it may start on one of them")
                    .atMost(BOUND)
                    .until(() -> cluster.n1().run("vm", "start", "web1").exit() == 0
                            || cluster.n2().run("vm", "start", "web1").exit() == 0);
        }
        RealCluster.assertInOrder(cluster.n1());
        if (there.hasProcess()) {
            require(move(cluster.n2(), cluster.n1()));
            deleteMoved();
        }
    }

    private static Told move(RealNode from, RealNode to) {
        return moving.move(from, to);
    }

    /** A migration to n2 whose disks are half over. */
    private static CompletableFuture<Told> halfWay(String... more) {
        return moving.until(() -> here.copies() == 2 && there.waiting().isPresent(), more);
    }

    private static boolean hasHead(RealVm vm) {
        return Files.exists(vm.chain.resolve("head"), LinkOption.NOFOLLOW_LINKS);
    }

    private static void isOnlyHere() throws IOException {
        here.goesOn(SOON);
        await("nothing is left on n2")
                .atMost(SOON)
                .until(() -> !there.hasProcess()
                        && there.waiting().isEmpty()
                        && !there.isServed()
                        && !Files.exists(there.chain));
        moving.awaitEnd();
        assertThat(here.runs()).isTrue();
        await("nothing is copied").atMost(SOON).until(() -> here.copies() == 0);
        assertThat(hasHead(here)).isTrue();
    }

    private static void isOnlyThere() throws IOException {
        there.goesOn(SOON);
        await("its old process ends").atMost(SOON).until(() -> !here.hasProcess());
        assertThat(there.console()).doesNotContain("START");
        assertThat(there.isServed()).isFalse();
        assertThat(hasHead(there)).isTrue();
        assertThat(hasHead(here)).isFalse();
        Told told = cluster.n1().run("vm", "start", "web1");
        assertThat(told.exit()).as(told.all()).isNotZero();
        assertThat(told.err()).contains("n2");
    }

    /** The last one: what it leaves frozen has to go over before the disks do, and the others have slow links. */
    @Test
    @Order(Integer.MAX_VALUE)
    void movesWithItsDisksAndItsCheckpointsAndBack() throws IOException {
        cluster.awaitPresent();
        require(cluster.n1().run("checkpoint", "create", GROUP + "@before"));
        long then = here.counter();
        await().until(() -> here.counter() > then + 20);

        require(move(cluster.n1(), cluster.n2()));
        isOnlyThere();
        assertThat(there.counter()).isGreaterThan(then + 20);
        assertThat(there.chain.resolve("arriving.json")).doesNotExist();

        cluster.awaitPresent();
        require(cluster.n1().run("checkpoint", "verify", GROUP + "@before"));
        require(cluster.n1().run("checkpoint", "create", GROUP + "@there"));
        require(cluster.n1().run("checkpoint", "revert", "--yes", "--paused", GROUP + "@before"));
        assertThat(here.hasProcess()).isFalse();
        assertThat(there.counter()).isLessThanOrEqualTo(then + 20);
        require(cluster.n2().run("vm", "thaw", "web1"));
        require(cluster.n2().run("vm", "thaw", "web2"));
        there.goesOn(SOON);

        require(move(cluster.n2(), cluster.n1()));
        here.goesOn(SOON);
        assertThat(there.hasProcess()).isFalse();
        assertThat(hasHead(there)).isFalse();
        verifiesWhileItIsStopped(GROUP + "@there");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@there"));
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@before"));
        here.goesOn(SOON);
    }

    /** The checkpoint was made on n2, which says that the disks are on n1 now. */
    private static void verifiesWhileItIsStopped(String checkpoint) {
        require(cluster.n1().run("vm", "stop", "--force", "web1"));
        await("n2 has heard of it")
                .atMost(BOUND)
                .until(() -> cluster.n2()
                        .run("group", "show", GROUP, "-o", "json")
                        .out()
                        .contains("stopped"));
        require(cluster.n2().run("checkpoint", "verify", checkpoint));
        require(cluster.n1().run("vm", "start", "web1"));
    }

    /** As an administrator does who needs the room. */
    private static void deleteMoved() throws IOException {
        try (Stream<Path> files = Files.walk(there.chain)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** The node that is moved to makes the secret, and tells the other one. */
    @Test
    void theSecretOfAMoveIsSaidNowhere() throws Exception {
        require(move(cluster.n1(), cluster.n2()));
        isOnlyThere();
        List<byte[]> secrets = RememberedRandom.of(cluster.n2().home);
        assertThat(secrets).as("the secret, and salts").hasSizeGreaterThanOrEqualTo(2);
        new SecretSearch(cluster, secrets).everywhere();
    }

    @Test
    void neverReplacesWhatIsThere() throws IOException {
        Path file = Files.createDirectories(there.chain).resolve("somebody's");
        Files.writeString(file, "precious");
        Told told = move(cluster.n1(), cluster.n2());
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        assertThat(told.err()).contains("is not empty");
        assertThat(file).hasContent("precious");
        Files.delete(file);
        Files.delete(there.chain);
        isOnlyHere();
    }

    @Test
    void aSlowLinkIsGivenUpAndTheGuestRunsOn() throws IOException {
        CompletableFuture<Told> caller = halfWay("--timeout", "4s");
        long before = here.counter();
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        assertThat(told.err()).contains("in time");
        await("it counts on").atMost(SOON).until(() -> here.counter() > before);
        isOnlyHere();
    }

    @Test
    void theTargetsDiskRunsFull() throws IOException {
        Path filler = cluster.ownDisks(cluster.n2()).resolve("filler");
        CompletableFuture<Told> caller = halfWay();
        Told told;
        try {
            cluster.fill(filler);
            here.hurryCopies();
            told = told(caller);
        } finally {
            Files.delete(filler);
        }
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        assertThat(told.err()).contains("disk");
        isOnlyHere();
    }

    @Test
    @Tag("soak")
    void targetProcessKilledWhileItsDisksAreCopied() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        Signals.send("KILL", there.waiting().orElseThrow());
        here.hurryCopies();
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        isOnlyHere();
    }

    /** Runs seldom: costs 8 s. */
    @Test
    @Tag("soak")
    void targetAgentKilledWhileItsDisksAreCopied() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        cluster.n2().agent.kill();
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        here.goesOn(SOON);
        cluster.n2().agent.startAgain();
        isOnlyHere();
    }

    /** Runs seldom: costs 10 s. */
    @Test
    @Tag("soak")
    void sourceAgentKilledWhileItsDisksAreCopied() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        cluster.n1().agent.kill();
        assertThat(told(caller).exit()).isNotZero();
        here.goesOn(SOON);
        cluster.n1().agent.startAgain();
        isOnlyHere();
    }

    @Test
    void stopEndsTheMoveAndTheMachine() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        require(cluster.n1().run("vm", "stop", "--force", "web1"));
        assertThat(told(caller).exit()).isEqualTo(1);
        await("nothing is left")
                .atMost(SOON)
                .until(() -> !here.hasProcess() && there.waiting().isEmpty() && !Files.exists(there.chain));
        assertThat(hasHead(here)).isTrue();
    }

    /** Runs seldom: nothing goes over for 20 s. */
    @Test
    @Tag("soak")
    void targetAgentHangsWhileItsDisksAreCopied() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        cluster.n2().agent.signal("STOP");
        here.hurryCopies();
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        here.goesOn(SOON);
        cluster.n2().agent.signal("CONT");
        isOnlyHere();
    }

    private interface Fault {
        void strike() throws IOException;
    }

    /** Something happens once the guest stands still: anywhere between the end of the copies and the end of the move. */
    private static void inTheSwitchOver(Fault fault) throws IOException {
        CompletableFuture<Told> caller = halfWay();
        here.hurryCopies();
        await("it stands still")
                .atMost(SOON)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                // While the last of its memory goes over QEMU answers nobody.
                .ignoreExceptions()
                .until(() -> {
                    here.hurry();
                    return !here.runs();
                });
        fault.strike();
        told(caller);
        cluster.wakeAgents();
        moving.awaitEnd();
        assertThat(here.hasProcess() && there.hasProcess()).isFalse();
        assertThat(hasHead(here) && hasHead(there)).isFalse();
        if (!here.hasProcess() && !there.hasProcess()) {
            // Its memory was lost on one node and old on the other.
            await("it may start where its newest disks are")
                    .atMost(BOUND)
                    .until(() -> cluster.n1().run("vm", "start", "web1").exit() == 0
                            || cluster.n2().run("vm", "start", "web1").exit() == 0);
        }
        (here.hasProcess() ? here : there).goesOn(SOON);
    }

    @Test
    void sourceAgentKilledInTheSwitchOver() throws IOException {
        inTheSwitchOver(() -> cluster.n1().agent.kill());
    }

    /** Runs seldom: costs 7 s. */
    @Test
    @Tag("soak")
    void targetAgentKilledInTheSwitchOver() throws IOException {
        inTheSwitchOver(() -> cluster.n2().agent.kill());
    }

    /** Runs seldom. QEMU may wait for the target, and answers nobody meanwhile, the resource agent neither. */
    @Test
    @Tag("soak")
    void targetAgentHangsInTheSwitchOver() throws IOException {
        inTheSwitchOver(() -> {
            cluster.n2().agent.signal("STOP");
            await("its monitor answers")
                    .atMost(MONITOR)
                    .ignoreExceptions()
                    .until(() -> !here.status().isEmpty());
            cluster.n2().agent.signal("CONT");
        });
    }
}
