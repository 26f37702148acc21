package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.cluster.CheckpointClient;
import dev.holdfast.agent.cluster.FixedLeader;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.config.CheckpointSettings;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** What a caller is told when the round is over, or when nobody knows whether it is. */
class CheckpointCommandsTest {

    private static final Name SELF = new Name("n1");
    private static final Duration SECOND = Duration.ofSeconds(1);

    /** A create command on the leader itself, which gives one answer, with a store that is gone afterwards. */
    private static Object create(String answer) throws Exception {
        Peers peers = new Peers(
                SELF, new NoLink(), new FixedLeader(SELF), (from, request) -> answer.getBytes(StandardCharsets.UTF_8));
        CheckpointClient client = new CheckpointClient(
                peers,
                (round, listener) -> () -> {},
                (wish, reign) -> {
                    throw new RoundRefusedException(Refusal.failed("not asked for"));
                },
                () -> "1");
        CheckpointCommands commands = new CheckpointCommands(
                new CheckpointSettings(SECOND, SECOND, SECOND, SECOND, Optional.empty(), List.of()),
                client,
                new Gone(),
                InstantSource.system());
        return commands.create(new Arguments(JsonObject.of(Map.of("group", "shop", "name", "nightly"))), Progress.NONE);
    }

    @Test
    void committedCheckpointWhoseRecordCannotBeReadBackIsNoFailure() throws Exception {
        assertThat(create("{\"result\":{\"outcome\":\"COMMITTED\"}}"))
                .isInstanceOfSatisfying(
                        Done.class,
                        done -> assertThat(done.message())
                                .contains("shop@nightly is committed", "no quorum", "holdfast checkpoint show"));
    }

    @Test
    void roundWhoseLeaderLostOfficeHasAnUnknownOutcomeWithAnExitCodeOfItsOwn() {
        for (String answer : List.of("{\"result\":{\"outcome\":\"UNKNOWN\"}}", "{\"unknown\":\"it ended\"}", "{")) {
            assertThatThrownBy(() -> create(answer)).isInstanceOfSatisfying(ControlException.class, told -> {
                assertThat(told.exit()).isEqualTo(ExitCode.UNKNOWN_OUTCOME);
                assertThat(told.exit().number()).isEqualTo(7);
                assertThat(told.getMessage()).isEqualTo("it is not known whether it was done");
                assertThat(told.correction()).contains("holdfast checkpoint list", "holdfast checkpoint show");
            });
        }
    }

    private static final class NoLink implements NodeLink {
        @Override
        public CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout) {
            return CompletableFuture.failedFuture(new AbsentException(node));
        }

        @Override
        public void serve(BiFunction<Name, byte[], byte[]> handler) {}
    }

    /** A store that does not answer. */
    private static final class Gone implements Catalogue {
        private static StoreUnreachableException gone() {
            return new StoreUnreachableException("no quorum");
        }

        @Override
        public List<Group> groups() throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public Optional<Group> group(Name group) throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public void addToGroup(Name group, Name vm) throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public void removeFromGroup(Name group, Name vm) throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public List<CheckpointRecord> checkpoints(Name group) throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public Optional<CheckpointRecord> checkpoint(Name group, Name checkpoint) throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public boolean beginDelete(Name group, Name checkpoint, Epoch reign) throws StoreUnreachableException {
            throw gone();
        }

        @Override
        public void finishDelete(Name group, Name checkpoint, Epoch reign) throws StoreUnreachableException {
            throw gone();
        }
    }
}
