package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.RecordCodec;
import dev.holdfast.coordinator.codec.RoundRecord;
import dev.holdfast.coordinator.codec.TimelineRecord;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The decisions in ZooKeeper. Each change of a round is one multi that begins with the check of the epoch and is sent once:
 * after a lost connection the answer is {@link Written.Unknown}, and {@link #touch} finds out. Thread-safe.
 */
final class ZooKeeperDecisionLog implements DecisionLog, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperDecisionLog.class);

    /** How often a write that provably was not done, because somebody else wrote in between, is prepared anew. */
    private static final int ATTEMPTS = 10;

    /** Where the round's record is among the operations of a decision; all behind it belong to a commitment. */
    private static final int RECORD = 1;

    private static final byte[] NOTHING = {};

    private final StoreSession session;
    private final Schema schema;
    private final RoundReader reader;
    private final RoundOpening opening;
    private final RoundWatch watch;

    /** @param leads whether this node holds office */
    ZooKeeperDecisionLog(StoreSession session, CuratorFramework curator, BooleanSupplier leads) {
        this.session = session;
        this.schema = session.schema();
        this.reader = new RoundReader(session);
        this.opening = new RoundOpening(session);
        this.watch = new RoundWatch(session, reader, curator, leads);
    }

    /** This node has come into office. */
    void lookAtAll() {
        watch.lookAtAll();
    }

    @Override
    public Written open(RoundSpec spec) {
        return opening.open(spec);
    }

    @Override
    public Written decide(
            RoundSpec spec,
            Decision decision,
            int expectedVersion,
            Epoch reign,
            List<MemberReport> reports,
            Refusal because) {
        Optional<Refusal> why = decision == Decision.ABORTED ? Optional.of(because) : Optional.empty();
        RoundRecord record = new RoundRecord(spec, RoundState.of(decision), why);
        List<Op> operations = new ArrayList<>();
        operations.add(session.checkEpoch(reign));
        operations.add(Op.setData(schema.round(spec.id()), RecordCodec.encode(record), expectedVersion));
        if (decision == Decision.COMMITTED) {
            if (spec.kind() == RoundKind.CHECKPOINT) {
                byte[] checkpoint = RecordCodec.encode(CheckpointRecord.of(spec, reports));
                operations.add(StoreSession.create(schema.checkpoint(spec.group(), spec.checkpoint()), checkpoint));
            }
            byte[] timeline = RecordCodec.encode(new TimelineRecord(Optional.of(spec.checkpoint())));
            operations.add(Op.setData(schema.timeline(spec.group()), timeline, -1));
        }
        Optional<Refusal> tooMuch =
                Weight.tooMuch(operations, spec.members().vms().size());
        if (tooMuch.isPresent()) {
            return new Written.Refused(tooMuch.get());
        }
        return write(
                "decide " + spec.id(), operations, expectedVersion + 1, failed -> conflict(spec, operations, failed));
    }

    private Written conflict(RoundSpec spec, List<Op> operations, Wire.Outcome.Failed failed)
            throws StoreUnreachableException {
        RoundId round = spec.id();
        if (failed.index() > RECORD) {
            String why = commitRefused(spec, operations.get(failed.index()).getPath(), failed.code());
            LOG.error("round {} cannot be committed: {}", round, why);
            return new Written.Refused(Refusal.failed(why));
        }
        if (!failed.is(RECORD, Code.BADVERSION)) {
            LOG.error(
                    "the store refused the decision of round {} at {}: {}; it will be tried again until the record is as it"
                            + " was or is gone (see docs/operations.md)",
                    round,
                    operations.get(failed.index()).getPath(),
                    failed.code());
            return new Written.Unknown();
        }
        Optional<Wire.Data> found = session.newest(schema.round(round));
        if (found.isEmpty()) {
            return new Written.Unknown();
        }
        RoundState state = reader.record(round, found.get().bytes()).state();
        return new Written.Conflict(state, found.get().version());
    }

    private String commitRefused(RoundSpec spec, String path, Code code) {
        if (code == Code.NODEEXISTS) {
            return "there is a checkpoint %s@%s already: somebody wrote %s while the round was under way"
                    .formatted(spec.group(), spec.checkpoint(), path);
        }
        if (code == Code.NONODE) {
            return "there is no %s any more: somebody removed it while the round was under way".formatted(path);
        }
        return "ZooKeeper refused to write %s: %s. See its log".formatted(path, code);
    }

    @Override
    public Written touch(RoundId round, Epoch reign) {
        try {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                Optional<Written> answer = touchOnce(round, reign);
                if (answer.isPresent()) {
                    return answer.get();
                }
            }
        } catch (StoreUnreachableException unreachable) {
            LOG.warn("touch {}: {}", round, unreachable.getMessage());
        }
        return new Written.Unknown();
    }

    private Optional<Written> touchOnce(RoundId round, Epoch reign) throws StoreUnreachableException {
        Optional<Wire.Data> found = session.newest(schema.round(round));
        if (found.isEmpty()) {
            return touchMissing(round, reign);
        }
        Wire.Data data = found.get();
        RoundState state = reader.record(round, data.bytes()).state();
        if (state.decision().isPresent()) {
            return Optional.of(new Written.Conflict(state, data.version()));
        }
        Wire.Outcome outcome = session.multi(
                List.of(session.checkEpoch(reign), Op.setData(schema.round(round), data.bytes(), data.version())));
        if (outcome instanceof Wire.Outcome.Done) {
            return Optional.of(new Written.Conflict(state, data.version() + 1));
        }
        return settled(outcome);
    }

    /** A lost opening may still be on its way. Raising the fence makes sure that it cannot land any more. */
    private Optional<Written> touchMissing(RoundId round, Epoch reign) throws StoreUnreachableException {
        Wire.Outcome outcome =
                session.multi(List.of(session.checkEpoch(reign), Op.setData(schema.rounds(), NOTHING, -1)));
        if (outcome instanceof Wire.Outcome.Done) {
            if (session.newest(schema.round(round)).isPresent()) {
                return Optional.empty();
            }
            return Optional.of(
                    new Written.Refused(Refusal.failed("there is no round " + round + " in the store; try again")));
        }
        return settled(outcome);
    }

    /** What follows from a multi that was not done; empty if it should be prepared anew. */
    private static Optional<Written> settled(Wire.Outcome outcome) {
        if (outcome instanceof Wire.Outcome.Failed failed) {
            return failed.is(0, Code.BADVERSION) ? Optional.of(new Written.StaleEpoch()) : Optional.empty();
        }
        return Optional.of(new Written.Unknown());
    }

    @Override
    public Written close(RoundSpec spec, Epoch reign) {
        try {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                Optional<Written> answer = closeOnce(spec, reign);
                if (answer.isPresent()) {
                    return answer.get();
                }
            }
        } catch (StoreUnreachableException unreachable) {
            LOG.warn("close {}: {}", spec.id(), unreachable.getMessage());
        }
        return new Written.Unknown();
    }

    private Optional<Written> closeOnce(RoundSpec spec, Epoch reign) throws StoreUnreachableException {
        String path = schema.round(spec.id());
        Optional<Wire.Data> found = session.newest(path);
        if (found.isEmpty()) {
            return Optional.of(new Written.Done(0));
        }
        RoundState state = reader.record(spec.id(), found.get().bytes()).state();
        if (state.decision().isEmpty()) {
            return Optional.of(new Written.Conflict(state, found.get().version()));
        }
        List<Op> operations = new ArrayList<>();
        operations.add(session.checkEpoch(reign));
        for (String child : session.children(path)) {
            operations.add(Op.delete(path + "/" + child, -1));
        }
        operations.add(Op.delete(path, found.get().version()));
        for (String claim : opening.claims(spec)) {
            Optional<Wire.Data> holder = session.get(claim);
            if (holder.isPresent()
                    && opening.holder(holder.get()).equals(spec.id().value())) {
                operations.add(Op.delete(claim, holder.get().version()));
            }
        }
        Wire.Outcome outcome = session.multi(operations);
        return outcome instanceof Wire.Outcome.Done ? Optional.of(new Written.Done(0)) : settled(outcome);
    }

    private interface Refused {
        Written answer(Wire.Outcome.Failed failed) throws StoreUnreachableException;
    }

    private Written write(String what, List<Op> operations, int version, Refused refused) {
        try {
            Wire.Outcome outcome = session.multi(operations);
            if (outcome instanceof Wire.Outcome.Done) {
                return new Written.Done(version);
            }
            if (outcome instanceof Wire.Outcome.Failed failed) {
                return failed.is(0, Code.BADVERSION) ? new Written.StaleEpoch() : refused.answer(failed);
            }
            LOG.warn("{}: {}", what, outcome);
        } catch (StoreUnreachableException unreachable) {
            LOG.warn("{}: {}", what, unreachable.getMessage());
        }
        return new Written.Unknown();
    }

    @Override
    public void sayReady(RoundId round, Name member) throws StoreUnreachableException {
        session.ensure(schema.ready(round, member), NOTHING);
    }

    @Override
    public void castVote(RoundId round, Name member, Vote vote) throws StoreUnreachableException {
        if (!session.ensure(schema.vote(round, member), RecordCodec.encode(vote))) {
            LOG.info("round {} is gone; the vote of {} is not needed any more", round, member);
        }
    }

    @Override
    public void acknowledge(RoundId round, Name member) throws StoreUnreachableException {
        session.ensure(schema.acknowledged(round, member), NOTHING);
    }

    @Override
    public Optional<RoundView> read(RoundId round) throws StoreUnreachableException {
        return reader.view(round);
    }

    @Override
    public Remains remains(RoundSpec spec) throws StoreUnreachableException {
        if (session.newest(schema.round(spec.id())).isPresent()) {
            return Remains.RECORD;
        }
        String path = schema.checkpoint(spec.group(), spec.checkpoint());
        Optional<Wire.Data> found = spec.kind() == RoundKind.CHECKPOINT ? session.newest(path) : Optional.empty();
        try {
            boolean its = found.isPresent()
                    && RecordCodec.decodeCheckpoint(found.get().bytes()).round().equals(spec.id());
            if (its) {
                return Remains.CHECKPOINT;
            }
        } catch (CodecException why) {
            throw RoundReader.unreadable(path, why);
        }
        requireWhole(schema.rounds(), spec);
        requireWhole(schema.checkpoints(), spec);
        return Remains.NOTHING;
    }

    /** What was removed together with all that was beside it was not removed by the protocol, which never removes a directory. */
    private void requireWhole(String directory, RoundSpec spec) throws StoreUnreachableException {
        if (session.get(directory).isEmpty()) {
            throw new StoreUnreachableException(
                    ("there is no %s in the store: somebody removed it, or the store was restored in part. So nobody can tell what"
                                    + " became of round %s; restore the store from a backup that is whole")
                            .formatted(directory, spec.id()));
        }
    }

    @Override
    public List<RoundView> rounds() throws StoreUnreachableException {
        return reader.all(Optional.empty());
    }

    @Override
    public List<RoundView> roundsFor(Name member) throws StoreUnreachableException {
        return reader.all(Optional.of(member));
    }

    @Override
    public List<String> unreadable() {
        return reader.unreadable();
    }

    @Override
    public void watch(Name member, Consumer<RoundView> listener) {
        watch.begin(member, listener);
    }

    @Override
    public void close() {
        watch.close();
    }
}
