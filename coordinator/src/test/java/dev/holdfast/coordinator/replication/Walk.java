package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Moves.Kind;
import dev.holdfast.coordinator.replication.Moves.Move;
import dev.holdfast.coordinator.replication.Setup.Fault;
import dev.holdfast.coordinator.replication.World.Guest;
import dev.holdfast.coordinator.replication.World.Node;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One random walk: nodes, a policy, faults and a schedule drawn from a seed. Then everything is healed, and the machine must run
 * once, protected. Where no member of the set is alive, a person decides. The same seed gives the same walk.
 */
final class Walk {

    private static final int LONGEST_HEALING = 3_000;
    static final Set<Kind> FAULTS = EnumSet.of(
            Kind.ANSWER_LOST,
            Kind.GIVEN_UP,
            Kind.PROMOTE,
            Kind.DEMOTE,
            Kind.SWITCHOVER,
            Kind.STOP,
            Kind.RETIRE,
            Kind.FAIL_OVER_FAILS,
            Kind.REVERT,
            Kind.AGENT_DIES,
            Kind.NODE_DIES,
            Kind.QEMU_DIES,
            Kind.LINK_CUT,
            Kind.STORE_AWAY,
            Kind.LINK_BACK,
            Kind.STORE_BACK,
            Kind.AGES);
    static final Set<Kind> IDLE = EnumSet.of(Kind.RETRY, Kind.TICK, Kind.OFFER);

    private final SplittableRandom random;
    private final Setup setup;
    private final World world;
    private final List<String> made = new ArrayList<>();

    /** Whether a person had to decide, and whether the guest ran on another copy than the first. */
    boolean decided;

    boolean failedOver;
    String violation = "";

    Walk(long seed, Mutant mutant) {
        random = new SplittableRandom(seed);
        Setup drawn = Setup.of(2 + random.nextInt(2), 100);
        for (Fault fault : Fault.values()) {
            drawn = drawn.with(fault, random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(3));
        }
        drawn = drawn.with(Fault.PROMOTE, 1_000).with(Fault.SEED, 1_000);
        int policy = random.nextInt(4);
        drawn = policy == 0 ? drawn.goesOn() : policy == 1 ? drawn.outputCommit() : drawn;
        setup = drawn.broken(mutant);
        world = World.begin(setup);
    }

    /** The world in which a setup begins. */
    static World first(Setup setup) {
        World world = World.begin(setup);
        if (!setup.begun()) {
            return world;
        }
        world.budgets = new int[Fault.values().length];
        world.budgets[Fault.PROMOTE.ordinal()] = 1;
        world.budgets[Fault.SEED.ordinal()] = 1;
        Moves.make(world, new Move(Kind.PROMOTE, 0, -1));
        while (!(world.nodes[0].state instanceof Protected guarded && guarded.ink() == Ink.WRITTEN)) {
            Moves.make(
                    world,
                    Moves.of(world).stream()
                            .filter(move -> !FAULTS.contains(move.kind()) && move.kind() != Kind.TICK)
                            .findFirst()
                            .orElseThrow());
        }
        world.budgets = setup.budgets();
        return world;
    }

    Walk run() {
        int length = 100 + random.nextInt(500);
        double faults = new double[] {0.01, 0.03, 0.1}[random.nextInt(3)];
        for (int step = 0; step < length && violation.isEmpty(); step++) {
            List<Move> moves = Moves.of(world);
            boolean fault = random.nextDouble() < faults || nobody();
            List<Move> chosen = moves.stream()
                    .filter(move -> FAULTS.contains(move.kind()) == fault)
                    .toList();
            List<Move> from = chosen.isEmpty() ? moves : chosen;
            make(from.get(random.nextInt(from.size())));
        }
        heal();
        failedOver = world.copies > 0 && world.nodes[0].guest != Guest.RUNS;
        return this;
    }

    private boolean nobody() {
        for (Node node : world.nodes) {
            if (node.state instanceof Leading || node.state instanceof Candidacy || !node.due.isEmpty()) {
                return false;
            }
        }
        return random.nextInt(5) == 0;
    }

    private void make(Move move) {
        made.add(move.toString());
        Moves.make(world, move);
        boolean both = move.kind() == Kind.LINK_CUT && setup.policy().onIsolation() == Policy.OnIsolation.CONTINUE;
        if (both && world.store) {
            // The usual case: a switch dies, and the store is gone with the link.
            world.store = false;
        }
        violation = world.violation;
    }

    List<String> tail(int most) {
        return made.subList(Math.max(0, made.size() - most), made.size());
    }

    Setup setup() {
        return setup;
    }

    @Override
    public String toString() {
        return world.toString();
    }

    private void heal() {
        for (Fault fault : Fault.values()) {
            world.budgets[fault.ordinal()] = 0;
        }
        world.budgets[Fault.SEED.ordinal()] = 1_000;
        world.link = true;
        world.store = true;
        int tried = 0;
        for (int step = 0; step < LONGEST_HEALING && violation.isEmpty(); step++) {
            List<Move> moves = Moves.of(world);
            Optional<Move> progress = moves.stream()
                    .filter(move -> !FAULTS.contains(move.kind()) && !IDLE.contains(move.kind()))
                    .findFirst();
            if (progress.isPresent()) {
                make(progress.get());
            } else if (isAtRest()) {
                return;
            } else if (!isLed()) {
                tried = promoteAnother(tried);
                if (tried < 0) {
                    return;
                }
            } else if (!help(moves)) {
                break;
            }
        }
        if (violation.isEmpty()) {
            violation = "healed, and it does not come to rest";
        }
    }

    private boolean isLed() {
        for (Node node : world.nodes) {
            if (node.state instanceof Leading || node.state instanceof Candidacy || node.state instanceof Leaving) {
                return true;
            }
        }
        return false;
    }

    private boolean isAtRest() {
        for (Node node : world.nodes) {
            boolean safe = node.state instanceof Protected guarded && guarded.ink() == Ink.WRITTEN;
            if (safe
                    && node.guest == Guest.RUNS
                    && world.record != null
                    && world.record.inSync().size() == 2) {
                return true;
            }
        }
        return false;
    }

    /** Pacemaker tries one node after the other; then it is a person's turn. */
    private int promoteAnother(int tried) {
        if (tried < 2 * world.nodes.length) {
            world.budgets[Fault.PROMOTE.ordinal()] = 1;
            make(new Move(Kind.PROMOTE, tried % world.nodes.length, -1));
            return tried + 1;
        }
        return decide() ? 0 : -1;
    }

    private boolean decide() {
        Node kept = null;
        for (Node node : world.nodes) {
            // How old they are is not known any more.
            boolean aged = node.standby == null
                    && node.disksEpoch > 0
                    && setup.policy().onIsolation() == Policy.OnIsolation.CONTINUE;
            boolean disks = node.disks != null && !node.rolling;
            boolean standby = node.standby != null && node.epoch > 0;
            boolean listed = world.record != null
                    && (disks && !aged && !node.stale && world.record.inSync().contains(node.disks)
                            || standby && !node.stale && world.record.inSync().contains(node.standby));
            if (listed) {
                violation = "a member of the set is alive, and is not promoted: " + node.state;
                return false;
            }
            kept = disks || standby ? node : kept;
        }
        if (kept == null) {
            return false;
        }
        decided = true;
        CopyFacts keep = kept.disks != null
                ? CopyFacts.disks(kept.disks, kept.disksGeneration, false)
                : CopyFacts.standby(java.util.Objects.requireNonNull(kept.standby), kept.standbyGeneration, kept.epoch);
        Set<Name> others = new HashSet<>();
        for (int n = 0; n < world.nodes.length; n++) {
            others.add(World.name(n));
        }
        Optional<Name> runs = Optional.ofNullable(world.record)
                .flatMap(known -> known.primary().map(Copy::node));
        Proof proof = runs.isPresent() ? new Proof.Gone(runs.get()) : new Proof.Missing();
        Verdict verdict = Discard.judge(Optional.ofNullable(world.record), keep, others, proof);
        if (!(verdict instanceof Verdict.Allowed allowed)) {
            violation = "a person's decision is refused: " + verdict;
            return false;
        }
        made.add("DISCARD all but " + keep);
        world.record = allowed.next();
        world.version++;
        kept.stale = false;
        kept.strayed = false;
        world.timeline = kept.disks != null ? kept.disksTimeline : kept.standbyTimeline;
        world.latest = kept.disks != null ? kept.disksWork : kept.memory;
        world.acknowledged = 0;
        world.released = 0;
        world.stopped = false;
        return true;
    }

    /** Retries, and offers itself a standby; whatever that one has may be lost if a person says so. */
    private boolean help(List<Move> moves) {
        List<Move> retries =
                moves.stream().filter(move -> move.kind() == Kind.RETRY).toList();
        for (Move retry : retries) {
            // A copy at rest asks again and again.
            if (!(world.nodes[retry.n()].state instanceof Out)
                    && new ReplicaEvent.Retry()
                            .applyTo(world.nodes[retry.n()].state)
                            .rejection()
                            .isEmpty()) {
                make(retry);
                return true;
            }
        }
        List<Move> offers =
                moves.stream().filter(move -> move.kind() == Kind.OFFER).toList();
        if (!offers.isEmpty()) {
            Move offer = offers.get(random.nextInt(offers.size()));
            Node peer = world.nodes[offer.m()];
            if (peer.state instanceof Out out
                    && Reseed.judge(out.copy(), Long.MAX_VALUE).isPresent()) {
                new Hands(world).give(offer.m(), new ReplicaEvent.DiscardAsked());
                return true;
            }
            make(offer);
            return true;
        }
        List<Move> ticks =
                moves.stream().filter(move -> move.kind() == Kind.TICK).toList();
        if (ticks.isEmpty()) {
            return false;
        }
        make(ticks.get(0));
        return true;
    }
}
