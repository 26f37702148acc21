package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The threads on which effects run, and the way back into the mailbox. Thread-safe. */
final class Lanes implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Lanes.class);

    /** How long to wait before the store is asked again. */
    static final Duration STORE_RETRY = Duration.ofSeconds(1);

    private final ExecutorService store =
            Executors.newSingleThreadExecutor(task -> Phases.daemon(task, "holdfast-store"));
    private final ExecutorService journal =
            Executors.newSingleThreadExecutor(task -> Phases.daemon(task, "holdfast-journal"));
    private final BiConsumer<RoundId, ParticipantEvent> participants;
    private final BiConsumer<RoundId, LeaderEvent> leaders;
    private final Phases phases;
    private final GroupChannel channel;

    Lanes(
            BiConsumer<RoundId, ParticipantEvent> participants,
            BiConsumer<RoundId, LeaderEvent> leaders,
            GroupChannel channel) {
        this.participants = participants;
        this.leaders = leaders;
        this.channel = channel;
        this.phases = new Phases(participants);
    }

    Phases phases() {
        return phases;
    }

    void toParticipant(RoundId round, ParticipantEvent event) {
        participants.accept(round, event);
    }

    void toLeader(RoundId round, LeaderEvent event) {
        leaders.accept(round, event);
    }

    void store(Runnable call) {
        submit(store, call);
    }

    void journal(Runnable call) {
        submit(journal, call);
    }

    void channelSend(GroupMessage message) {
        channel.send(channel.present(), message);
    }

    private static void submit(ExecutorService lane, Runnable call) {
        execute(lane, () -> {
            try {
                call.run();
            } catch (RuntimeException e) {
                LOG.error("a call of the engine broke", e);
            }
        });
    }

    /** Work that arrives while the node stops is dropped like in a crash: the journal and the store know the rest. */
    static void execute(ExecutorService lane, Runnable work) {
        try {
            lane.execute(work);
        } catch (RejectedExecutionException e) {
            if (!lane.isShutdown()) {
                throw e;
            }
        }
    }

    @Override
    public void close() {
        phases.close();
        store.shutdownNow();
        journal.shutdown();
    }
}
