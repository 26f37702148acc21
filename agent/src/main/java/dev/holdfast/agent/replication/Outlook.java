package dev.holdfast.agent.replication;

import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Leading;
import dev.holdfast.coordinator.replication.Leaving;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Self;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How one replicated machine looks from outside: for people, and in the two files that the resource agent reads, the mark of an
 * instance that was started and the promotion score. Thread-safe.
 */
final class Outlook {
    private static final Logger LOG = LoggerFactory.getLogger(Outlook.class);
    private static final String MARK = "replica";
    private static final String SCORE = "promotion-score";

    private final Name vm;
    private final Name self;
    private final ReplicaPlan plan;
    private final Path run;
    private final Sources sources;
    private final Story story;
    private volatile ReplicaState state;
    private OptionalInt published = OptionalInt.of(-1);

    /** Where it looks. */
    record Sources(RecordBook record, PrimarySide primary, StandbySide standby, MachineHands hands) {}

    Outlook(Name vm, ReplicaPlan plan, ReplicationTools tools, Sources sources) {
        this.vm = vm;
        this.self = tools.self();
        this.plan = plan;
        this.run = tools.runDirectory().apply(vm);
        this.sources = sources;
        this.story = new Story(tools.clock());
        this.state = Out.begin(new Self(self, plan.policy()));
    }

    void enrol() throws IOException {
        Files.createDirectories(run);
        if (!isEnrolled()) {
            OwnFile.write(run.resolve(MARK), "");
        }
    }

    void retire() throws IOException {
        Files.deleteIfExists(run.resolve(MARK));
    }

    boolean isEnrolled() {
        return Files.exists(run.resolve(MARK));
    }

    boolean moved(ReplicaState before, ReplicaEvent event, ReplicaState after) {
        state = after;
        return story.tell(before, event, after, sources.primary().problem());
    }

    private Duration since(ReplicaState now) {
        if (now instanceof Following following && following.epoch() > 0) {
            return sources.standby().sinceCommit(following.epoch());
        }
        Optional<CopyFacts> resting = resting(now);
        if (resting.isPresent()) {
            return sources.standby().sinceCommit(resting.get().epoch());
        }
        return now instanceof Protected leading
                ? sources.primary().since(leading.epoch()).orElse(Duration.ofMillis(-1))
                : Duration.ofMillis(-1);
    }

    private static Optional<CopyFacts> resting(ReplicaState now) {
        return now instanceof Out out
                ? out.copy().filter(copy -> copy.kind() == CopyFacts.Kind.RESTING)
                : Optional.empty();
    }

    private OptionalInt score(ReplicaState now) {
        return isEnrolled()
                ? Score.of(
                        now,
                        sources.record().last(),
                        sources.record().isAbsent(),
                        now instanceof Leading ? Duration.ZERO : since(now))
                : OptionalInt.empty();
    }

    /** Brings the score's file up to date. The machine's thread. */
    synchronized void publish() {
        OptionalInt score = score(state);
        if (score.equals(published)) {
            return;
        }
        Path file = run.resolve(SCORE);
        try {
            if (score.isEmpty()) {
                Files.deleteIfExists(file);
            } else {
                Files.createDirectories(run);
                Path next = run.resolve("." + SCORE);
                OwnFile.write(next, score.getAsInt() + "\n");
                Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
            published = score;
        } catch (IOException e) {
            LOG.warn("the promotion score of {} cannot be written: {}", vm, e.toString());
        }
    }

    ReplicaDetails details(ReplicaState now, boolean known) {
        Optional<ReplicationRecord> record = sources.record().last().map(Stored::record);
        String role = now.life().isPresent() ? "primary" : now instanceof Following ? "standby" : "none";
        OptionalInt score = score(now);
        return new ReplicaDetails(
                vm,
                self,
                role,
                known ? Story.word(now) : "starting",
                isEnrolled(),
                peer(now, record),
                copy(now).map(Copy::toString),
                generation(now),
                record.map(r -> r.inSync().stream().map(Copy::toString).toList())
                        .orElse(List.of()),
                record.flatMap(ReplicationRecord::primary).map(Copy::node),
                epoch(now),
                since(now).toMillis(),
                sources.hands().isHeld(),
                plan.policy().onIsolation().name().toLowerCase(Locale.ROOT),
                plan.content() == EpochContent.DISKS ? ReplicaDetails.DISK : ReplicaDetails.CHECKPOINT,
                score.isPresent() ? Optional.of(score.getAsInt()) : Optional.empty(),
                sources.primary().seed().map(s -> new ReplicaDetails.Seed(s.done(), s.total())),
                sources.primary().pacing().ends().stream().map(Outlook::epoch).toList(),
                story.changes());
    }

    private static ReplicaDetails.Epoch epoch(EpochEnd end) {
        return new ReplicaDetails.Epoch(
                end.epoch(),
                end.outcome() == EpochEnd.Outcome.COMMITTED,
                end.pause().toMillis(),
                end.length().toMillis(),
                end.bytes());
    }

    private static Optional<Name> peer(ReplicaState now, Optional<ReplicationRecord> record) {
        if (now instanceof Leading leading) {
            return leading.attached().map(Copy::node);
        }
        return now instanceof Following
                ? record.flatMap(ReplicationRecord::primary).map(Copy::node)
                : Optional.empty();
    }

    private static Optional<Copy> copy(ReplicaState now) {
        if (now instanceof Following following) {
            return Optional.of(following.copy());
        }
        if (now instanceof Out out) {
            return out.copy().map(CopyFacts::copy);
        }
        return now.life().map(Life::copy);
    }

    private static long generation(ReplicaState now) {
        if (now instanceof Following following) {
            return following.generation();
        }
        if (now instanceof Out out) {
            return out.copy().map(CopyFacts::generation).orElse(0L);
        }
        return now.life().map(Life::generation).orElse(0L);
    }

    private static long epoch(ReplicaState now) {
        if (now instanceof Following following) {
            return following.epoch();
        }
        if (now instanceof Leaving leaving) {
            return leaving.epoch();
        }
        if (now instanceof Out out) {
            return out.copy().map(CopyFacts::epoch).orElse(0L);
        }
        return now instanceof Protected leading ? leading.epoch() : 0;
    }
}
