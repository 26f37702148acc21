package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.World.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The machine, broken by a mutant or not. */
final class Mutation {

    private Mutation() {}

    static Step<ReplicaState, ReplicaEffect> step(World world, Node node, ReplicaEvent event) {
        Mutant mutant = world.setup.mutant();
        ReplicaState state = node.state;
        if (mutant == Mutant.NONE) {
            return event.applyTo(state);
        }
        if (event instanceof ReplicaEvent.PromoteAsked asked) {
            node.since = Duration.ofSeconds(node.stale ? 3600 : 0);
            Optional<Step<ReplicaState, ReplicaEffect>> other = promoted(world, node, mutant, asked);
            if (other.isPresent()) {
                return other.get();
            }
        }
        Optional<Step<ReplicaState, ReplicaEffect>> instead = instead(world, node, mutant, state, event);
        return instead.orElseGet(() -> after(world, mutant, state, event, event.applyTo(state)));
    }

    private static Optional<Step<ReplicaState, ReplicaEffect>> promoted(
            World world, Node node, Mutant mutant, ReplicaEvent.PromoteAsked asked) {
        ReplicaState state = node.state;
        ReplicationRecord record = world.record;
        if (mutant == Mutant.PROMOTES_MID_COMMIT && state instanceof Following following) {
            return Optional.of(asked.applyTo(following.at(following.epoch())));
        }
        if (record == null || !(state instanceof Out out)) {
            return Optional.empty();
        }
        if (mutant == Mutant.NODE_IS_COPY && out.copy().isEmpty()) {
            return record.inSync().stream()
                    .filter(copy -> copy.node().equals(out.self().node()))
                    .findFirst()
                    .map(copy -> new Out(out.self(), Optional.of(CopyFacts.standby(copy, record.generation(), 1)))
                            .onPromoteAsked(asked));
        }
        boolean mine = out.copy().isPresent()
                && out.copy().get().kind() == CopyFacts.Kind.DISKS
                && record.isPrimary(out.copy().get().copy());
        if (mutant == Mutant.BOOTS_WITHOUT_CLAIM && mine) {
            Life life = new Life(out.self(), out.copy().get().copy(), record.generation(), world.version, true);
            return Optional.of(Step.to(new Alone(life), new ReplicaEffect.RunCold()));
        }
        return Optional.empty();
    }

    private static Optional<Step<ReplicaState, ReplicaEffect>> instead(
            World world, Node node, Mutant mutant, ReplicaState state, ReplicaEvent event) {
        return Optional.ofNullable(
                switch (mutant) {
                    case CONTINUES_WITHOUT_MAX_STALE ->
                        event instanceof ReplicaEvent.ProofGiven given
                                ? new ReplicaEvent.ProofGiven(given.proof(), Duration.ZERO).applyTo(state)
                                : null;
                    case AGE_BEFORE_PROOF ->
                        event instanceof ReplicaEvent.ProofGiven given
                                ? new ReplicaEvent.ProofGiven(given.proof(), node.since).applyTo(state)
                                : null;
                    case NEEDS_NO_PROOF ->
                        state instanceof Candidacy.Proving proving && event instanceof ReplicaEvent.ProofGiven
                                ? new ReplicaEvent.ProofGiven(
                                                new Proof.Gone(proving.stored()
                                                        .record()
                                                        .primary()
                                                        .orElseThrow()
                                                        .node()),
                                                Duration.ZERO)
                                        .applyTo(state)
                                : null;
                    case STOPPED_STANDBY_DROPS ->
                        event instanceof ReplicaEvent.RetireAsked && state instanceof Following following
                                ? Step.to(
                                        new Out(following.self(), Optional.empty()),
                                        new ReplicaEffect.DropCopy(),
                                        new ReplicaEffect.Done())
                                : null;
                    case RESTS_MID_COMMIT ->
                        event instanceof ReplicaEvent.RetireAsked && state instanceof Following following
                                ? event.applyTo(following.at(following.epoch()))
                                : null;
                    case FAILED_FAILOVER_DROPS ->
                        event instanceof ReplicaEvent.FailOverFailed
                                ? new ReplicaEvent.GuestEnded(false).applyTo(state)
                                : null;
                    case DEMOTED_GOES_ON ->
                        event instanceof ReplicaEvent.DemoteAsked && !(state instanceof Leading)
                                ? Step.to(state, new ReplicaEffect.Done())
                                : null;
                    case STOP_KEEPS_STANDBY ->
                        event instanceof ReplicaEvent.GuestEnded
                                ? new ReplicaEvent.GuestEnded(false).applyTo(state)
                                : null;
                    case BOOTS_WITHOUT_CLAIM ->
                        event instanceof ReplicaEvent.GuestEnded && state instanceof Leading leading
                                ? Step.to(new Out(
                                        leading.lead().self(),
                                        Optional.of(CopyFacts.disks(
                                                leading.lead().copy(),
                                                leading.lead().generation(),
                                                false))))
                                : null;
                    case GROWS_ACROSS_GENERATIONS ->
                        state instanceof Protected guarded
                                        && event instanceof ReplicaEvent.RecordRead read
                                        && guarded.lead().isReborn(read.stored())
                                ? guarded.recorded(read.stored())
                                : null;
                    case UNKNOWN_GROWTH_READ ->
                        state instanceof Shrinking shrinking
                                        && event instanceof ReplicaEvent.RecordRead read
                                        && read.stored().record().inSync().size() == 1
                                        && shrinking.lead().isRecorded(read.stored())
                                ? Step.to(
                                        new Alone(shrinking.lead().of(read.stored())),
                                        Leading.freed(shrinking.lead(), shrinking.member()))
                                : null;
                    case RESEEDS_STRAYED ->
                        state instanceof Out out && event instanceof ReplicaEvent.SeedBegun
                                ? event.applyTo(new Out(out.self(), Optional.empty()))
                                : null;
                    case TAKES_ANY_EPOCH_FOR_THE_LAST ->
                        state instanceof Leaving leaving && event instanceof ReplicaEvent.StandbyAt
                                ? event.applyTo(new Leaving(
                                        leaving.lead(),
                                        leaving.peer(),
                                        leaving.ink(),
                                        leaving.parting().withLastAfter(leaving.epoch())))
                                : null;
                    case CALLS_OFF_UNKNOWN_HANDOVER ->
                        state instanceof Leaving leaving
                                        && leaving.parting().why() == Parting.Why.SWITCHOVER
                                        && leaving.parting().guest()
                                        && event instanceof ReplicaEvent.RecordUnknown
                                ? calledOff(world, leaving)
                                : null;
                    default -> null;
                });
    }

    private static Step<ReplicaState, ReplicaEffect> calledOff(World world, Leaving leaving) {
        Copy peer = leaving.peer().orElseThrow();
        return Step.to(
                new Protected(
                        leaving.lead(), peer, Math.max(1, world.at(peer).epoch), Protected.Phase.RUNNING, Ink.READING),
                new ReplicaEffect.RunOn(),
                new ReplicaEffect.ReadRecord());
    }

    private static Step<ReplicaState, ReplicaEffect> after(
            World world,
            Mutant mutant,
            ReplicaState before,
            ReplicaEvent event,
            Step<ReplicaState, ReplicaEffect> step) {
        if (step.rejection().isPresent()) {
            return step;
        }
        List<ReplicaEffect> effects = new ArrayList<>(step.effects());
        switch (mutant) {
            case DETACHES_BEFORE_RECORDED -> {
                if (before instanceof Protected guarded && step.next() instanceof Shrinking) {
                    effects.addAll(0, Leading.freed(guarded.lead(), guarded.member()));
                }
            }
            case ACKNOWLEDGES_BEFORE_COMMITTED -> {
                if (event instanceof ReplicaEvent.MemoryComplete memory) {
                    effects.add(0, new ReplicaEffect.Acknowledge(memory.copy(), memory.epoch()));
                }
            }
            case UNBOUND_WHILE_GROWING -> {
                if (before instanceof Seeding) {
                    effects.removeIf(ReplicaEffect.ArmLag.class::isInstance);
                }
            }
            case KEEPS_COPY_BEFORE_ROLLBACK -> {
                if (effects.stream().anyMatch(ReplicaEffect.FailOver.class::isInstance)) {
                    effects.add(new ReplicaEffect.KeepCopy(
                            step.next().life().orElseThrow().copy()));
                }
            }
            case PROMOTES_OUT_OF_SYNC -> {
                if (before instanceof Candidacy.Reading reading
                        && event instanceof ReplicaEvent.RecordRead read
                        && effects.contains(new ReplicaEffect.Refuse(Reason.OUT_OF_SYNC))) {
                    return naive(world, reading, read);
                }
            }
            default -> {}
        }
        return Step.to(step.next(), effects);
    }

    private static Step<ReplicaState, ReplicaEffect> naive(
            World world, Candidacy.Reading reading, ReplicaEvent.RecordRead read) {
        ReplicationRecord record = read.stored().record();
        boolean gone = record.primary().isEmpty()
                || new Hands(world).proof(World.number(record.primary().get().node())) instanceof Proof.Gone;
        return gone
                ? Candidacy.Claiming.claim(
                        reading.candidate(),
                        read.stored().version(),
                        ReplicationRecord.of(
                                record.generation() + 1,
                                reading.candidate().copy().orElseThrow().copy()))
                : read.applyTo(reading);
    }
}
