package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Which nodes are forgotten, and which are not. */
class NodeCommandsTest {
    private static final Name SHOP = new Name("shop");
    private static final Name N3 = new Name("n3");

    private final List<RoundView> rounds = new ArrayList<>();
    private final List<CheckpointRecord> checkpoints = new ArrayList<>();
    private boolean away = true;
    private boolean forgotten;

    private Done forget(String node, boolean force) throws Exception {
        NodeRegistry nodes = Answers.of(
                NodeRegistry.class,
                Map.of("known", () -> new TreeSet<>(Set.of(new Name("n1"), N3)), "forget", () -> forgotten = away));
        Catalogue catalogue = Answers.of(
                Catalogue.class,
                Map.of(
                        "groups", () -> List.of(new Catalogue.Group(SHOP, new TreeSet<>(), Optional.empty())),
                        "checkpoints", () -> checkpoints));
        return new NodeCommands(nodes, Answers.of(DecisionLog.class, Map.of("rounds", () -> rounds)), catalogue)
                .forget(new Arguments(JsonObject.of(Map.of("node", node, "force", force))));
    }

    private void refuses(String node, boolean force, ErrorCode code, String... words) {
        ControlException refused = catchThrowableOfType(ControlException.class, () -> forget(node, force));
        assertThat(refused.code()).isEqualTo(code);
        assertThat(refused).hasMessageContainingAll(words);
        assertThat(forgotten).isFalse();
    }

    private static CheckpointRecord checkpoint(String name, String node) {
        VmReport part =
                new VmReport(new Name("web"), 1, 2, 3, 2, RoundOptions.CaptureMethod.STOP, "no", "qemu 7.2", List.of());
        return new CheckpointRecord(
                SHOP,
                new Name(name),
                new RoundId("r1"),
                new Epoch(1),
                Optional.empty(),
                "",
                CheckpointRecord.State.COMPLETE,
                List.of(new MemberReport(new Name(node), 0, "test", List.of(part))));
    }

    @Test
    void oneThatIsAwayAndHoldsNothingIsForgotten() throws Exception {
        checkpoints.add(checkpoint("daily", "n1"));
        assertThat(forget("n3", false).message()).contains("n3 is forgotten");
        assertThat(forgotten).isTrue();
    }

    @Test
    void oneThatIsThereOrNeverWasIsNot() {
        refuses("n9", true, ErrorCode.BAD_REQUEST, "no node n9 is known");
        away = false;
        refuses("n3", true, ErrorCode.REFUSED, "n3 is there", "OFFLINE");
    }

    @Test
    void oneThatHoldsPartsIsForgottenOnlyByForce() throws Exception {
        for (int i = 1; i <= 7; i++) {
            checkpoints.add(checkpoint("c" + i, "n3"));
        }
        refuses("n3", false, ErrorCode.REFUSED, "shop@c1, shop@c2", "shop@c5 and 2 more", "--force");
        forget("n3", true);
        assertThat(forgotten).isTrue();
    }

    @Test
    void oneThatARoundWaitsForIsNotForgottenByForceEither() {
        RoundOptions options = new RoundOptions(
                Duration.ofSeconds(5),
                Duration.ofSeconds(60),
                Duration.ofSeconds(60),
                Duration.ZERO,
                RoundOptions.CaptureMethod.AUTO,
                RoundOptions.Quiesce.NO,
                false,
                "");
        RoundSpec spec = new RoundSpec(
                new RoundId("r7"),
                RoundKind.REVERT,
                new Epoch(1),
                SHOP,
                new Name("daily"),
                Optional.empty(),
                new Members(new TreeMap<>(Map.of(N3, new TreeSet<>(Set.of(new Name("web")))))),
                options);
        rounds.add(new RoundView(spec, RoundState.COMMITTED, 2, new TreeSet<>(), new TreeMap<>(), new TreeSet<>()));
        refuses("n3", true, ErrorCode.REFUSED, "round r7 waits for node n3", "fsck --gone n3");
    }
}
