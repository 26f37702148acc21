package dev.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.replication.Epochs;
import dev.holdfast.agent.snapshot.Room;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A dry run does to a replicated machine what the round will do, and no more. */
class ReplicatedMembersTest {
    private static final Name WEB = new Name("web");
    private static final Room.Need ROOM = new Room.Need("web", "RAM", 1, 2, "");

    private final List<String> done = new ArrayList<>();
    private Optional<String> obstacle = Optional.empty();

    private Forecast preflight(RoundKind kind, boolean paused) throws Exception {
        MemberParts parts = Answers.of(MemberParts.class, Map.of("preflight", () -> {
            done.add("looked");
            return new Forecast(WEB, List.of("no room"), ROOM, 7, "stop");
        }));
        Epochs epochs = Answers.of(
                Epochs.class,
                Map.of(
                        "obstacle", () -> obstacle,
                        "park",
                                () -> {
                                    done.add("parked");
                                    return CompletableFuture.completedFuture(null);
                                },
                        "end", () -> done.add("went on")));
        RoundOptions options = new RoundOptions(
                Duration.ofSeconds(5),
                Duration.ofSeconds(60),
                Duration.ofSeconds(60),
                Duration.ZERO,
                RoundOptions.CaptureMethod.AUTO,
                RoundOptions.Quiesce.NO,
                paused,
                "");
        return new ReplicatedMembers(parts, vm -> Optional.of(epochs)).preflight(kind, WEB, new Name("c1"), options);
    }

    @Test
    void itsEpochsAreKeptBackWhileItIsLookedAtForACheckpoint() throws Exception {
        assertThat(preflight(RoundKind.CHECKPOINT, false))
                .isEqualTo(new Forecast(WEB, List.of("no room"), ROOM, 7, "stop"));
        assertThat(done).containsExactly("parked", "looked", "went on");
    }

    @Test
    void itsEpochsGoOnWhileItIsLookedAtForARevert() throws Exception {
        assertThat(preflight(RoundKind.REVERT, false).problems()).containsExactly("no room");
        assertThat(done).containsExactly("looked");
        assertThat(preflight(RoundKind.REVERT, true).problems())
                .satisfiesExactly(
                        problem -> assertThat(problem).contains("revert without --paused"),
                        problem -> assertThat(problem).isEqualTo("no room"));
    }

    @Test
    void whatStandsInTheWayOfEveryRoundIsSaidWithoutParking() throws Exception {
        obstacle = Optional.of("it is not promoted here");
        assertThat(preflight(RoundKind.CHECKPOINT, false).problems())
                .containsExactly("it is not promoted here", "no room");
        assertThat(done).containsExactly("looked", "went on");
    }
}
