package dev.holdfast.agent.cluster;

import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.Schedules;
import dev.holdfast.coordinator.port.Schedules.Entry;
import dev.holdfast.coordinator.port.Schedules.Progress;
import dev.holdfast.coordinator.port.Schedules.Result;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import dev.holdfast.coordinator.schedule.Agenda;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the checkpoints that are due while this node holds office. What is due is noted in the store before it is begun, so that
 * a leader that dies on the way does not make the next one take it twice. Thread-safe.
 */
public final class ScheduleDesk {

    /** How the names of scheduled checkpoints begin. Only these are ever deleted by a schedule. */
    public static final String PREFIX = "scheduled-";

    private static final Logger LOG = LoggerFactory.getLogger(ScheduleDesk.class);
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    /** Why nothing shall be taken by itself now; empty if it may. */
    public interface Obstacle {
        Optional<String> reason() throws StoreUnreachableException;
    }

    /**
     * What is read.
     *
     * @param schedules what is to be done
     * @param catalogue what there is
     * @param obstacles each can hold a checkpoint up
     */
    public record Books(Schedules schedules, Catalogue catalogue, List<Obstacle> obstacles) {}

    private final Supplier<Optional<Epoch>> reign;
    private final LeaderDesk leader;
    private final Books books;
    private final InstantSource clock;
    private final Supplier<String> words;
    private final Executor workers;
    private final Set<Name> busy = ConcurrentHashMap.newKeySet();

    /**
     * @param reign this node's epoch while it holds office
     * @param leader runs rounds
     * @param books what is read
     * @param clock says what is due
     * @param words for the ids of rounds
     * @param workers as many threads as there are groups
     */
    public ScheduleDesk(
            Supplier<Optional<Epoch>> reign,
            LeaderDesk leader,
            Books books,
            InstantSource clock,
            Supplier<String> words,
            Executor workers) {
        this.reign = reign;
        this.leader = leader;
        this.books = books;
        this.clock = clock;
        this.words = words;
        this.workers = workers;
    }

    /** To be called again and again; begins what is due. Does nothing out of office. Never throws. */
    public void look() {
        Optional<Epoch> epoch = reign.get();
        if (epoch.isEmpty()) {
            return;
        }
        try {
            for (Entry entry : books.schedules().entries()) {
                look(entry, epoch.get());
            }
        } catch (StoreUnreachableException e) {
            LOG.debug("schedules cannot be looked at: {}", e.getMessage());
        }
    }

    private void look(Entry entry, Epoch epoch) throws StoreUnreachableException {
        Name group = entry.schedule().group();
        if (busy.contains(group)) {
            return;
        }
        Optional<Agenda.Step> step = Agenda.look(entry, clock.instant());
        if (step.isEmpty()) {
            return;
        }
        Progress progress = step.get().progress();
        long missed = progress.missed() - entry.progress().missed();
        if (missed > 0) {
            LOG.warn("{} scheduled checkpoint(s) of {} were missed, up to {}", missed, group, progress.due());
        }
        Optional<Entry> noted = books.schedules().note(entry, progress, epoch);
        if (noted.isPresent() && step.get().begin()) {
            busy.add(group);
            workers.execute(() -> {
                try {
                    take(noted.get(), epoch);
                } finally {
                    busy.remove(group);
                }
            });
        }
    }

    private void take(Entry entry, Epoch epoch) {
        Progress begun = entry.progress();
        try {
            Progress ended = obstacle()
                    .map(reason -> ended(begun, Result.SKIPPED, reason))
                    .orElseGet(() -> run(entry));
            tell(entry.schedule().group(), ended);
            if (books.schedules().note(entry, ended, epoch).isEmpty()) {
                LOG.info(
                        "what came of the schedule of {} is not noted: it was changed",
                        entry.schedule().group());
            }
            if (ended.result() == Result.TAKEN && entry.schedule().keepLast() > 0) {
                prune(entry.schedule());
            }
        } catch (StoreUnreachableException e) {
            LOG.warn("the schedule of {}: {}", entry.schedule().group(), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<String> obstacle() throws StoreUnreachableException {
        for (Obstacle obstacle : books.obstacles()) {
            Optional<String> reason = obstacle.reason();
            if (reason.isPresent()) {
                return reason;
            }
        }
        return Optional.empty();
    }

    private Progress run(Entry entry) {
        Progress begun = entry.progress();
        Name name = new Name(PREFIX + STAMP.format(begun.due()));
        Wish wish = new Wish(
                new RoundId("r" + words.get()),
                RoundKind.CHECKPOINT,
                entry.schedule().group(),
                name,
                entry.schedule().options(),
                Duration.ZERO);
        try {
            Outcome outcome = leader.run(wish);
            return outcome.kind() == Outcome.Kind.COMMITTED
                    ? new Progress(begun.due(), Result.TAKEN, name.value(), begun.missed(), Optional.of(begun.due()))
                    : ended(begun, Result.BEGUN, "this leader lost office on the way; the next one ends " + name);
        } catch (RoundRefusedException e) {
            Refusal because = e.because();
            boolean onPurpose = because.kind() == Refusal.Kind.PREFLIGHT
                    || because.kind() == Refusal.Kind.BUSY
                    || because.kind() == Refusal.Kind.CANCELLED;
            return ended(begun, onPurpose ? Result.SKIPPED : Result.FAILED, because.text());
        } catch (StoreUnreachableException e) {
            return ended(begun, Result.FAILED, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ended(begun, Result.BEGUN, "the agent was stopped on the way");
        }
    }

    private static Progress ended(Progress begun, Result result, String text) {
        return new Progress(begun.due(), result, text, begun.missed(), begun.taken());
    }

    private static void tell(Name group, Progress ended) {
        switch (ended.result()) {
            case TAKEN -> LOG.info("scheduled checkpoint {}@{} was taken", group, ended.text());
            case SKIPPED ->
                LOG.warn("the scheduled checkpoint of {} of {} was skipped: {}", group, ended.due(), ended.text());
            case NONE, BEGUN, FAILED, MISSED ->
                LOG.warn("the scheduled checkpoint of {} of {} was not taken: {}", group, ended.due(), ended.text());
        }
    }

    /** Newest first are kept; what people have taken and named is theirs. */
    private void prune(Schedules.Schedule schedule) throws StoreUnreachableException, InterruptedException {
        List<CheckpointRecord> own = books.catalogue().checkpoints(schedule.group()).stream()
                .filter(record -> record.name().value().startsWith(PREFIX))
                .toList();
        int going = Math.max(0, own.size() - schedule.keepLast());
        for (CheckpointRecord record : own.subList(0, going)) {
            try {
                leader.delete(schedule.group(), record.name());
                LOG.info("{}@{} is deleted: {} are kept", schedule.group(), record.name(), schedule.keepLast());
            } catch (RoundRefusedException e) {
                LOG.warn(
                        "{}@{} is not deleted yet: {}",
                        schedule.group(),
                        record.name(),
                        e.because().text());
            }
        }
    }
}
