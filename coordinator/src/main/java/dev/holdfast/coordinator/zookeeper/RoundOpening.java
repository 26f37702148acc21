package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.RecordCodec;
import dev.holdfast.coordinator.codec.RoundRecord;
import dev.holdfast.coordinator.codec.TimelineRecord;
import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;

/**
 * Opens rounds: round, reservation of the name and claims in one multi, so that there is nothing to undo and no order of
 * locks. Thread-safe.
 */
final class RoundOpening {

    private static final int ATTEMPTS = 10;
    private static final byte[] NOTHING = {};

    // The places of the operations in the multi.
    private static final int EPOCH = 0;
    private static final int FENCE = 1;
    private static final int ROUND = 2;
    private static final int CHECKPOINT = 3;

    private final StoreSession session;
    private final Schema schema;

    RoundOpening(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    /** As {@link dev.holdfast.coordinator.port.DecisionLog#open} says. */
    Written open(RoundSpec spec) {
        try {
            session.ensure(schema.timeline(spec.group()), RecordCodec.encode(new TimelineRecord(Optional.empty())));
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                Optional<Written> answer = openOnce(spec);
                if (answer.isPresent()) {
                    return answer.get();
                }
            }
        } catch (StoreUnreachableException unreachable) {
            // Nothing was sent, or the store has said no: what was sent without an answer is Unknown.
            return new Written.Refused(
                    new Refusal(Refusal.Kind.STORE_UNREACHABLE, String.valueOf(unreachable.getMessage())));
        }
        return new Written.Refused(new Refusal(
                Refusal.Kind.BUSY, "too many rounds are opened at the same time; nothing was begun, try again"));
    }

    private Optional<Written> openOnce(RoundSpec spec) throws StoreUnreachableException {
        int fence = session.newest(schema.rounds())
                .orElseThrow(() -> new StoreUnreachableException(
                        "the store has no %s: it was damaged, or restored in part; docs/operations.md tells how to restore a store"
                                .formatted(schema.rounds())))
                .version();
        String checkpoint = schema.checkpoint(spec.group(), spec.checkpoint());
        List<Op> operations = new ArrayList<>();
        operations.add(session.checkEpoch(spec.epoch()));
        operations.add(Op.check(schema.rounds(), fence));
        RoundRecord record = new RoundRecord(spec, RoundState.PREPARING, Optional.empty());
        operations.add(StoreSession.create(schema.round(spec.id()), RecordCodec.encode(record)));
        if (spec.kind() == RoundKind.CHECKPOINT) {
            // Creating and removing it in one multi is the check that there is none.
            operations.add(StoreSession.create(checkpoint, NOTHING));
            operations.add(Op.delete(checkpoint, -1));
        } else {
            Optional<Wire.Data> target = session.newest(checkpoint);
            if (target.isEmpty() || !complete(target.get(), checkpoint)) {
                return Optional.of(missing(spec));
            }
            operations.add(Op.check(checkpoint, target.get().version()));
        }
        for (String claim : claims(spec)) {
            operations.add(StoreSession.create(claim, spec.id().value().getBytes(StandardCharsets.UTF_8)));
        }
        Optional<Refusal> tooMuch =
                Weight.tooMuch(operations, spec.members().vms().size());
        if (tooMuch.isPresent()) {
            return Optional.of(new Written.Refused(tooMuch.get()));
        }
        Wire.Outcome outcome = session.multi(operations);
        if (outcome instanceof Wire.Outcome.Failed failed) {
            return refused(spec, failed);
        }
        return Optional.of(outcome instanceof Wire.Outcome.Done ? new Written.Done(0) : new Written.Unknown());
    }

    private static boolean complete(Wire.Data data, String path) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeCheckpoint(data.bytes()).state() == CheckpointRecord.State.COMPLETE;
        } catch (CodecException unreadable) {
            throw RoundReader.unreadable(path, unreadable);
        }
    }

    private static Written missing(RoundSpec spec) {
        return new Written.Refused(
                Refusal.preflight("there is no checkpoint %s@%s, or it is being deleted; see 'holdfast"
                        .concat(" checkpoint list %s'")
                        .formatted(spec.group(), spec.checkpoint(), spec.group())));
    }

    private Optional<Written> refused(RoundSpec spec, Wire.Outcome.Failed failed) throws StoreUnreachableException {
        if (failed.is(EPOCH, Code.BADVERSION)) {
            return Optional.of(new Written.StaleEpoch());
        }
        if (failed.code() == Code.NOAUTH) {
            throw session.refused(schema.base());
        }
        if (failed.is(ROUND, Code.NODEEXISTS)) {
            return Optional.of(busy("there is a round %s already; nothing was begun".formatted(spec.id())));
        }
        if (failed.is(CHECKPOINT, Code.NODEEXISTS)) {
            return Optional.of(new Written.Refused(
                    Refusal.preflight("there is a checkpoint %s@%s already; choose another name, or delete it first"
                            .formatted(spec.group(), spec.checkpoint()))));
        }
        if (failed.code() == Code.NODEEXISTS) {
            String held = held(spec);
            // Empty: whoever held it has just let go.
            return held.isEmpty()
                    ? Optional.empty()
                    : Optional.of(busy(held + ". Wait for it, or abort it with 'holdfast checkpoint abort'"));
        }
        // FENCE: somebody else's opening was fenced off. CHECKPOINT, BADVERSION or NONODE: it is about to be deleted.
        return Optional.empty();
    }

    private static Written busy(String text) {
        return new Written.Refused(new Refusal(Refusal.Kind.BUSY, text));
    }

    private String held(RoundSpec spec) throws StoreUnreachableException {
        List<String> all = new ArrayList<>();
        for (String claim : claims(spec)) {
            Optional<Wire.Data> holder = session.newest(claim);
            if (holder.isPresent()) {
                String name = claim.substring(schema.claims().length() + 1);
                all.add("%s is held by %s".formatted(name, describe(holder(holder.get()))));
            }
        }
        return String.join("; ", all);
    }

    private String describe(String claimant) throws StoreUnreachableException {
        RoundId round;
        try {
            round = new RoundId(claimant);
        } catch (IllegalArgumentException garbage) {
            return "something that is no round; docs/operations.md tells how to remove the claim";
        }
        Optional<Wire.Data> data = session.get(schema.round(round));
        if (data.isEmpty()) {
            return "round %s, which has just ended or is gone; if it is so again, 'holdfast fsck --repair' takes the claim away"
                    .formatted(round);
        }
        RoundSpec holder;
        try {
            holder = RecordCodec.decodeRound(data.get().bytes()).spec();
        } catch (CodecException unreadable) {
            return "round %s, which cannot be read (see 'holdfast cluster status')".formatted(round);
        }
        return "round %s (%s %s@%s)"
                .formatted(
                        round,
                        holder.kind() == RoundKind.CHECKPOINT ? "checkpoint" : "revert to",
                        holder.group(),
                        holder.checkpoint());
    }

    /** Everything that a round claims: its checkpoint's name and each of its machines. */
    List<String> claims(RoundSpec spec) {
        List<String> claims = new ArrayList<>();
        claims.add(schema.nameClaim(spec.group(), spec.checkpoint()));
        for (Name vm : spec.members().vms()) {
            claims.add(schema.claim(vm));
        }
        return claims;
    }

    /** The round that a claim names. */
    String holder(Wire.Data claim) {
        return new String(claim.bytes(), StandardCharsets.UTF_8);
    }
}
