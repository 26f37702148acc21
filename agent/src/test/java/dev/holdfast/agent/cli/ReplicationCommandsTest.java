package dev.holdfast.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ControlServer;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Limits;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.json.Json;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the commands about replication show, and ask. */
class ReplicationCommandsTest {

    @TempDir
    private Path directory;

    private final FakeEnvironment environment = new FakeEnvironment();
    private final List<String> requests = new ArrayList<>();
    private Object answer = replica();
    private ControlServer server;

    @BeforeEach
    void startAgent() throws IOException {
        CommandTable table = new CommandTable();
        for (ControlCommand command : ControlCommand.values()) {
            table.register(command, (arguments, progress) -> {
                synchronized (requests) {
                    requests.add(command.word() + " " + arguments);
                }
                if (answer instanceof ControlException refused) {
                    throw refused;
                }
                return answer;
            });
        }
        server = ControlServer.start(directory.resolve("agent.sock"), null, table, Limits.DEFAULT);
    }

    @AfterEach
    void stopAgent() throws IOException {
        server.close();
    }

    private int run(String line) {
        List<String> words = new ArrayList<>(List.of(line.split(" ")));
        words.addAll(List.of("--socket", directory.resolve("agent.sock").toString()));
        return environment.run(words.toArray(String[]::new));
    }

    private List<String> shown(ReplicaDetails replica) {
        answer = replica;
        assertThat(run("vm replication web")).as(environment.err.toString()).isZero();
        return environment.out.toString().lines().toList();
    }

    @Test
    void aPrimaryIsShownWithItsEpochs() {
        List<String> lines = shown(replica());

        assertThat(lines)
                .containsSubsequence(
                        "Machine:     web",
                        "Role:        n1 is the primary, n2 its standby",
                        "State:       protected",
                        "Last epoch:  812, committed 0.4 s ago")
                .contains(
                        "In sync:     n1/k3f9, n2/p0zq; runs on n1",
                        "Copy here:   n1/k3f9",
                        "Promotion:   score 1000",
                        "Isolated:    would pause",
                        "Given up:    1 of the last 12 epochs (x)")
                .anyMatch(line -> line.matches("Pauses: +[_.\\-:=+*#]{5}x[_.\\-:=+*#]{6}  median 16 ms, most 21 ms"))
                .anyMatch(line -> line.matches("Memory: +\\S{12}  median 6.0 MiB, most 11.0 MiB"))
                .anyMatch(line -> line.matches("AT +STATE +BECAUSE"))
                .anyMatch(line -> line.matches("2026-11-21T10:02:00Z  protected  n2 has committed its first epoch"));
        assertThat(lines).allMatch(line -> line.length() <= environment.width);
    }

    @Test
    void barsAreOfTheTerminalsKindAndFitIt() {
        environment.unicode = true;
        assertThat(shown(replica())).anyMatch(line -> line.contains("█") && line.startsWith("Pauses:"));
        environment.width = 60;
        assertThat(shown(replica()))
                .anyMatch(line -> line.matches("Pauses: +\\S{10}  median 17 ms, most 21 ms"))
                .allMatch(line -> line.length() <= 60 || line.startsWith("Role"));
    }

    @Test
    void epochsOfDisksHaveWritesInPlaceOfMemory() {
        assertThat(shown(replica())).contains("Mode:        checkpoint");
        assertThat(shown(replica(ReplicaDetails.DISK)))
                .contains("Mode:        disk: the guest boots after a failover")
                .anyMatch(line -> line.matches("Written: +\\S{12}  median 6.0 MiB, most 11.0 MiB"))
                .noneMatch(line -> line.startsWith("Memory:"));
    }

    @Test
    void aGuestThatIsHeldIsCalledSo() {
        assertThat(shown(with(replica(), "primary", "shrinking", true, Optional.empty())))
                .contains("State:       shrinking, HELD: the guest stands still until the store answers");
        assertThat(shown(with(replica(), "primary", "protected", true, Optional.empty())))
                .contains(
                        "State:       protected, HELD: the guest stands still until its standby or the store answers");
    }

    @Test
    void aResyncHasABar() {
        assertThat(shown(with(
                        replica(),
                        "primary",
                        "seeding",
                        false,
                        Optional.of(new ReplicaDetails.Seed(256L << 20, 1L << 30)))))
                .contains("Resync:      [########......................]  25 %  256 MiB of 1.0 GiB");
    }

    @Test
    void aStandbyAndANodeWithoutARoleAreShown() {
        assertThat(shown(with(replica(), "standby", "following", false, Optional.empty())))
                .contains("Role:        n1 is the standby of n2");
        ReplicaDetails none = new ReplicaDetails(
                new Name("web"),
                new Name("n3"),
                "none",
                "out",
                false,
                Optional.empty(),
                Optional.empty(),
                0,
                List.of("n1/k3f9"),
                Optional.of(new Name("n1")),
                0,
                -1,
                false,
                "continue",
                "checkpoint",
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of());
        assertThat(shown(none))
                .contains(
                        "Role:       n3 takes no part; the primary is n1",
                        "Copy here:  none",
                        "Promotion:  not possible here",
                        "Isolated:   would continue",
                        "Its role has not changed since the agent of n3 was started.")
                .noneMatch(line -> line.startsWith("Last epoch") || line.startsWith("Pauses"));
    }

    @Test
    void jsonCarriesTheWholeAnswer() throws Exception {
        assertThat(run("vm replication web -o json")).isZero();
        assertThat(Json.object(environment.out.toString()).as(ReplicaDetails.class))
                .isEqualTo(replica());
    }

    @Test
    void aSwitchoverSaysWhatBecameOfIt() {
        assertThat(run("vm switchover web")).isZero();
        assertThat(environment.out).hasToString("web: n1 is the primary, n2 its standby, protected.\n");
        answer = new Done("web runs on n2 now, and stood still for 0.3 s.");
        assertThat(run("vm switchover web --to n2")).isZero();
        assertThat(environment.out).hasToString("web runs on n2 now, and stood still for 0.3 s.\n");
    }

    @Test
    void aRefusalIsToldWithItsReasonAndExitCodeThree() {
        answer = new ControlException(
                ErrorCode.REFUSED, "web is not promoted: OUT_OF_SYNC", "this copy is behind", "promote n1");
        assertThat(run("vm switchover web")).isEqualTo(3);
        assertThat(environment.err)
                .hasToString("holdfast: web is not promoted: OUT_OF_SYNC\n  because: this copy is behind\n"
                        + "  to do: promote n1\n");
    }

    @Test
    void whatIsLostForEverIsAskedFor() {
        answer = new Done("n3 does not count any more.");
        assertThat(run("vm resync web --discard-node n3")).isEqualTo(2);
        assertThat(requests).isEmpty();
        environment.interactive = true;
        environment.input.add("n");
        assertThat(run("vm resync web --discard-node n3")).isEqualTo(1);
        assertThat(requests).isEmpty();
        environment.input.add("y");
        assertThat(run("vm resync web --discard-node n3")).isZero();
        assertThat(environment.err).asString().contains("Lose for ever what n3 has of web");
        assertThat(requests).containsExactly("replica.resync {\"vm\":\"web\",\"discard_node\":\"n3\"}");
        assertThat(run("vm resync web")).isZero();
    }

    @Test
    void aSparklineShowsZeroTheLargestAndWhatIsMissing() {
        assertThat(Sparkline.draw(values(0, 1, 4, 8), false)).isEqualTo("__:#");
        assertThat(Sparkline.draw(values(0, 0), true)).isEqualTo("▁▁");
        assertThat(Sparkline.draw(List.of(OptionalLong.empty(), OptionalLong.of(Long.MAX_VALUE)), false))
                .isEqualTo("x#");
        assertThat(Sparkline.draw(List.of(), false)).isEmpty();
    }

    @Test
    void agesAreShort() {
        assertThat(ReplicationView.age(400)).isEqualTo("0.4 s");
        assertThat(ReplicationView.age(61_000)).isEqualTo("1 min");
        assertThat(ReplicationView.age(7_300_000)).isEqualTo("2 h");
    }

    private static List<OptionalLong> values(long... values) {
        return LongStream.of(values).mapToObj(OptionalLong::of).toList();
    }

    private static ReplicaDetails with(
            ReplicaDetails old, String role, String state, boolean held, Optional<ReplicaDetails.Seed> seed) {
        return new ReplicaDetails(
                old.vm(),
                old.node(),
                role,
                state,
                old.started(),
                old.peer(),
                old.copy(),
                old.generation(),
                old.set(),
                old.running(),
                old.epoch(),
                old.committedMsAgo(),
                held,
                old.onIsolation(),
                old.mode(),
                old.score(),
                seed,
                old.epochs(),
                old.history());
    }

    /** A primary that is well. */
    static ReplicaDetails replica() {
        return replica(ReplicaDetails.CHECKPOINT);
    }

    private static ReplicaDetails replica(String mode) {
        return new ReplicaDetails(
                new Name("web"),
                new Name("n1"),
                "primary",
                "protected",
                true,
                Optional.of(new Name("n2")),
                Optional.of("n1/k3f9"),
                3,
                List.of("n1/k3f9", "n2/p0zq"),
                Optional.of(new Name("n1")),
                812,
                400,
                false,
                "pause",
                mode,
                Optional.of(1000),
                Optional.empty(),
                LongStream.range(0, 12)
                        .mapToObj(i -> new ReplicaDetails.Epoch(801 + i, i != 5, 10 + i, 200 + i, i << 20))
                        .toList(),
                List.of(
                        new ReplicaDetails.Change("2026-11-21T10:00:00.123Z", "alone", "promoted by pacemaker"),
                        new ReplicaDetails.Change(
                                "2026-11-21T10:02:00.5Z", "protected", "n2 has committed its first epoch")));
    }
}
