package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.migration.Departure.Effect;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Both machines of a migration against each other, in every interleaving: each agent may crash between any two effects and
 * come back with its journal, each request and each answer may be lost, each process may end at any time, either node may be
 * told to stop the machine, and an order to run may arrive long after it was given up.
 */
class MigrationModelTest {

    /** What a process has in it. */
    private enum Process {
        NONE,
        /** It stands still and could run on. */
        STILL,
        RUNS
    }

    /** What a journal says. */
    private enum Entry {
        NONE,
        INTENT,
        HANDED_OVER
    }

    /**
     * What can be started from.
     *
     * @param copied whether each node has files of its own; otherwise both see the same
     * @param here whether the source's have a head
     * @param there whether the target's have
     * @param forgetful whether the source, wrongly, leaves its own as they are
     */
    private record Disks(boolean copied, boolean here, boolean there, boolean forgetful) {}

    /**
     * Everything there is.
     *
     * @param out the source's machine
     * @param outDue effects that it has not carried out yet
     * @param outEntry the source's journal
     * @param outProcess the source's process
     * @param in the target's machine, or null while it knows nothing
     * @param inDue effects that it has not carried out yet
     * @param inEntry the target's journal
     * @param inProcess the target's process
     * @param loaded whether the target has all of the memory
     * @param hasRunThere whether it has run on the target
     * @param late whether an order to run is still on its way
     * @param stops how often somebody may still stop it
     * @param disks what can be started from
     */
    private record World(
            Departure out,
            List<Effect> outDue,
            Entry outEntry,
            Process outProcess,
            @org.jspecify.annotations.Nullable Arrival in,
            List<Arrival.Effect> inDue,
            Entry inEntry,
            Process inProcess,
            boolean loaded,
            boolean hasRunThere,
            boolean late,
            int stops,
            Disks disks) {

        static final World BEGIN = new World(
                Departure.PREPARING,
                List.of(),
                Entry.INTENT,
                Process.RUNS,
                null,
                List.of(),
                Entry.NONE,
                Process.NONE,
                false,
                false,
                false,
                1,
                new Disks(false, true, true, false));

        World on(Disks now) {
            return new World(
                    out,
                    outDue,
                    outEntry,
                    outProcess,
                    in,
                    inDue,
                    inEntry,
                    inProcess,
                    loaded,
                    hasRunThere,
                    late,
                    stops,
                    now);
        }

        World here(boolean now) {
            return disks.copied()
                    ? on(new Disks(true, now || disks.forgetful(), disks.there(), disks.forgetful()))
                    : this;
        }

        World there(boolean now) {
            return disks.copied() ? on(new Disks(true, disks.here(), now, disks.forgetful())) : this;
        }

        World out(Departure.Event event) {
            Departure.Step step = new Departure.Step(out, outDue).on(event);
            return new World(
                    step.next(),
                    step.effects(),
                    outEntry,
                    outProcess,
                    in,
                    inDue,
                    inEntry,
                    inProcess,
                    loaded,
                    hasRunThere,
                    late,
                    stops,
                    disks);
        }

        World in(Arrival.Event event) {
            if (in == null || in.isOver()) {
                return this;
            }
            Arrival.Step step = in.on(event);
            return new World(
                    out,
                    outDue,
                    outEntry,
                    outProcess,
                    step.next(),
                    step.effects(),
                    inEntry,
                    inProcess,
                    loaded,
                    hasRunThere,
                    late,
                    stops,
                    disks);
        }

        World source(List<Effect> due, Entry entry, Process process) {
            return new World(
                    out, due, entry, process, in, inDue, inEntry, inProcess, loaded, hasRunThere, late, stops, disks);
        }

        World target(List<Arrival.Effect> due, Entry entry, Process process) {
            boolean ran = hasRunThere || process == Process.RUNS;
            return new World(
                    out, outDue, outEntry, outProcess, in, due, entry, process, loaded, ran, late, stops, disks);
        }

        World known(@org.jspecify.annotations.Nullable Arrival now, boolean whole) {
            return new World(
                    out,
                    outDue,
                    outEntry,
                    outProcess,
                    now,
                    inDue,
                    inEntry,
                    inProcess,
                    whole,
                    hasRunThere,
                    late,
                    stops,
                    disks);
        }

        World onItsWay(boolean now, int stopsLeft) {
            return new World(
                    out,
                    outDue,
                    outEntry,
                    outProcess,
                    in,
                    inDue,
                    inEntry,
                    inProcess,
                    loaded,
                    hasRunThere,
                    now,
                    stopsLeft,
                    disks);
        }

        List<Effect> outRest() {
            return outDue.subList(1, outDue.size());
        }

        List<Arrival.Effect> inRest() {
            return inDue.subList(1, inDue.size());
        }
    }

    private static List<World> next(World w) {
        List<World> next = new ArrayList<>();
        source(w, next);
        target(w, next);
        faults(w, next);
        startedAgain(w, next);
        return next;
    }

    private static void source(World w, List<World> next) {
        if (w.outDue().isEmpty()) {
            if (w.out() == Departure.PREPARING) {
                next.add(w.out(Departure.Event.TARGET_REFUSES));
                World listens = w.known(Arrival.WAITING, false).target(List.of(), Entry.INTENT, Process.STILL);
                next.add(listens.out(Departure.Event.TARGET_LISTENS));
                next.add(listens.out(Departure.Event.TARGET_REFUSES));
            } else if (!w.out().isOver()) {
                next.add(w.out(Departure.Event.RETRY));
            }
            return;
        }
        World rest = w.source(w.outRest(), w.outEntry(), w.outProcess());
        switch (w.outDue().get(0)) {
            case STREAM -> {
                next.add(rest.out(Departure.Event.STREAM_FAILED));
                if (w.outProcess() == Process.RUNS) {
                    World sent = rest.source(List.of(), w.outEntry(), Process.STILL);
                    if (w.inProcess() == Process.STILL) {
                        next.add(sent.known(w.in(), true).out(Departure.Event.STREAM_COMPLETED));
                        next.add(rest.known(w.in(), true).out(Departure.Event.STREAM_FAILED));
                    }
                    next.add(sent.out(Departure.Event.STREAM_COMPLETED));
                }
            }
            case ASK_LOADED -> ask(rest, next, Departure.Event.TARGET_LOADED);
            case SET_DISKS_ASIDE -> {
                next.add(rest.here(false));
                next.add(rest.out(Departure.Event.NOT_ASIDE));
                next.add(rest.here(false).out(Departure.Event.NOT_ASIDE));
            }
            case REOPEN_DISKS -> {
                next.add(rest.here(true));
                next.add(rest.out(Departure.Event.STUCK));
            }
            case NOTE_HANDED_OVER -> {
                next.add(rest.source(List.of(), Entry.HANDED_OVER, w.outProcess())
                        .out(Departure.Event.NOTED));
                next.add(rest.source(List.of(), Entry.HANDED_OVER, w.outProcess())
                        .out(Departure.Event.NOTE_FAILED));
                next.add(rest.out(Departure.Event.NOTE_FAILED));
                next.add(rest.out(Departure.Event.STOPPED));
            }
            case ORDER_RUN -> {
                if (w.outProcess() == Process.RUNS) {
                    next.add(rest.out(Departure.Event.RUNS_HERE));
                } else {
                    ask(rest, next, Departure.Event.TARGET_RUNS);
                    // Given up, and delivered later all the same.
                    next.add(rest.onItsWay(true, w.stops()).out(Departure.Event.TARGET_SILENT));
                }
            }
            case WITHDRAW -> ask(dropped(rest), next, Departure.Event.TARGET_NEVER_RAN);
            case DROP_TARGET -> {
                next.add(rest);
                next.add(dropped(rest));
            }
            case RUN_HERE -> {
                next.add(rest.out(Departure.Event.STUCK));
                next.add(
                        w.outProcess() == Process.NONE
                                ? rest.out(Departure.Event.GONE)
                                : rest.source(List.of(), w.outEntry(), Process.RUNS)
                                        .out(Departure.Event.RUNS_HERE));
            }
            case QUIT_HERE -> next.add(rest.source(w.outRest(), w.outEntry(), Process.NONE));
            case FORGET -> next.add(rest.source(w.outRest(), Entry.NONE, w.outProcess()));
        }
    }

    private static World dropped(World w) {
        return w.inDue().isEmpty() ? w.in(Arrival.Event.UNWANTED) : w;
    }

    /** A question and its answer; an order to run is obeyed in steps of its own, and asked for again. */
    private static void ask(World w, List<World> next, Departure.Event good) {
        next.add(w.out(Departure.Event.TARGET_SILENT));
        if (!w.inDue().isEmpty()) {
            return;
        }
        if (w.in() == null) {
            // A target that has forgotten: if the machine is there, it must be this one.
            boolean runs = good == Departure.Event.TARGET_RUNS && w.inProcess() == Process.RUNS;
            // What is there tells whether a machine can ever have run from a copy.
            boolean never = w.disks().copied() && !w.disks().there();
            Departure.Event gone = never ? Departure.Event.TARGET_NEVER_RAN : Departure.Event.TARGET_FORGOT;
            next.add(w.out(runs ? Departure.Event.TARGET_RUNS : gone));
            return;
        }
        switch (w.in()) {
            case WAITING -> waiting(w, next, good);
            case TAKEN -> next.add(w.in(Arrival.Event.ORDERED).out(Departure.Event.TARGET_SILENT));
            case RUNS -> next.add(w.out(Departure.Event.TARGET_RUNS));
            case NEVER_RAN -> next.add(w.out(Departure.Event.TARGET_NEVER_RAN));
            case LOST -> next.add(w.out(Departure.Event.TARGET_FORGOT));
        }
    }

    private static void waiting(World w, List<World> next, Departure.Event good) {
        boolean whole = w.loaded() && w.inProcess() == Process.STILL;
        if (good == Departure.Event.TARGET_LOADED && whole) {
            next.add(w.out(good));
        } else if (good == Departure.Event.TARGET_RUNS) {
            next.add(ordered(w).out(Departure.Event.TARGET_SILENT));
        }
    }

    private static World ordered(World w) {
        boolean whole = w.loaded() && w.inProcess() == Process.STILL;
        return w.in(whole ? Arrival.Event.ORDERED : Arrival.Event.ORDERED_TOO_SOON);
    }

    private static void target(World w, List<World> next) {
        if (w.late() && w.inDue().isEmpty()) {
            World delivered = w.onItsWay(false, w.stops());
            next.add(w.in() == Arrival.WAITING ? ordered(delivered) : delivered.in(Arrival.Event.ORDERED));
        }
        if (w.inDue().isEmpty()) {
            if (w.in() == Arrival.TAKEN) {
                next.add(w.in(Arrival.Event.RESTARTED));
            } else if (w.in() == Arrival.WAITING && w.out().isOver()) {
                next.add(w.in(Arrival.Event.UNWANTED));
            }
            return;
        }
        World rest = w.target(w.inRest(), w.inEntry(), w.inProcess());
        switch (w.inDue().get(0)) {
            case NOTE_TAKEN -> {
                next.add(rest.target(w.inRest(), Entry.HANDED_OVER, w.inProcess()));
                next.add(rest.in(Arrival.Event.NOTE_FAILED));
            }
            case OWN_DISKS -> {
                next.add(rest.there(true));
                if (w.in() == Arrival.TAKEN) {
                    next.add(rest.in(Arrival.Event.LATER));
                    if (!w.hasRunThere() && w.inEntry() == Entry.HANDED_OVER) {
                        next.add(rest.there(false).in(Arrival.Event.DID_NOT_RUN));
                    }
                }
            }
            case RUN -> {
                if (w.inProcess() == Process.NONE) {
                    next.add(rest.in(Arrival.Event.GONE));
                } else {
                    next.add(rest.target(List.of(), w.inEntry(), Process.RUNS).in(Arrival.Event.RAN));
                    next.add(rest.target(List.of(), w.inEntry(), Process.RUNS).in(Arrival.Event.LATER));
                    next.add(rest.target(List.of(), w.inEntry(), Process.RUNS).in(Arrival.Event.MAY_HAVE_RUN));
                    next.add(rest.in(Arrival.Event.LATER));
                    if (w.inProcess() == Process.STILL) {
                        next.add(rest.there(false).in(Arrival.Event.DID_NOT_RUN));
                    }
                }
            }
            case DROP -> next.add(rest.target(w.inRest(), w.inEntry(), Process.NONE));
            case FORGET -> next.add(rest.target(w.inRest(), Entry.NONE, w.inProcess()));
        }
    }

    private static void faults(World w, List<World> next) {
        // The source's agent dies and comes back with its journal.
        Departure back = w.outEntry() == Entry.HANDED_OVER ? Departure.HANDED_OVER : Departure.STREAMING;
        if (w.outEntry() != Entry.NONE) {
            World crashed = new World(
                    back,
                    List.of(),
                    w.outEntry(),
                    w.outProcess(),
                    w.in(),
                    w.inDue(),
                    w.inEntry(),
                    w.inProcess(),
                    w.loaded(),
                    w.hasRunThere(),
                    w.late(),
                    w.stops(),
                    w.disks());
            next.add(crashed.out(Departure.Event.RETRY));
        }
        // The target's agent does.
        World empty = w.target(List.of(), w.inEntry(), w.inProcess());
        next.add(
                switch (w.inEntry()) {
                    case NONE -> empty.known(null, w.loaded());
                    case INTENT -> empty.known(Arrival.WAITING, w.loaded());
                    case HANDED_OVER -> empty.known(Arrival.TAKEN, w.loaded()).in(Arrival.Event.RESTARTED);
                });
        // A process ends.
        next.add(w.source(w.outDue(), w.outEntry(), Process.NONE));
        next.add(w.target(w.inDue(), w.inEntry(), Process.NONE));
        // Somebody stops the machine on one of the nodes.
        if (w.stops() > 0) {
            if (w.outDue().isEmpty()) {
                next.add(w.onItsWay(w.late(), 0).out(Departure.Event.STOPPED));
            }
            if (w.inDue().isEmpty()) {
                next.add(w.onItsWay(w.late(), 0).in(Arrival.Event.STOPPED));
            }
        }
    }

    /** Somebody starts a copied machine on the node that it has left: the target is asked to drop it first. */
    private static void startedAgain(World w, List<World> next) {
        boolean over = w.out().isOver() && w.outDue().isEmpty() && w.outEntry() == Entry.NONE;
        if (!over || !w.disks().copied() || w.disks().here() || !w.inDue().isEmpty()) {
            return;
        }
        boolean never = w.in() == null ? !w.disks().there() : w.in() == Arrival.NEVER_RAN;
        if (never) {
            next.add(w.here(true).source(List.of(), Entry.NONE, Process.RUNS));
        } else {
            next.add(dropped(w));
        }
    }

    @Test
    void neverRunsOnBothNodesNorAgainWhereItsMemoryIsOld() {
        assertThat(explore(World.BEGIN)).isGreaterThan(1_000);
    }

    @Test
    void neverRunsFromDisksThatAreOlderThanTheirCopy() {
        assertThat(explore(World.BEGIN.on(new Disks(true, true, false, false)))).isGreaterThan(1_000);
    }

    @Test
    void wouldNoticeDisksThatAreNotSetAside() {
        assertThatThrownBy(() -> explore(World.BEGIN.on(new Disks(true, true, false, true))))
                .hasMessageContaining("two machines could start");
    }

    private static int explore(World begin) {
        Set<World> seen = new HashSet<>(Set.of(begin));
        Deque<World> open = new ArrayDeque<>(seen);
        boolean moved = false;
        boolean kept = false;
        while (!open.isEmpty()) {
            World w = open.remove();
            boolean both = w.outProcess() == Process.RUNS && w.inProcess() == Process.RUNS;
            boolean old = w.outProcess() == Process.RUNS && w.hasRunThere();
            assertThat(both || old).as("%s", w).isFalse();
            if (w.disks().copied()) {
                requireRightDisks(w);
            }
            boolean over = w.out().isOver() && w.outDue().isEmpty();
            assertThat(over && w.outEntry() != Entry.NONE)
                    .as("over, and claimed for ever: %s", w)
                    .isFalse();
            moved |= w.out() == Departure.MOVED && w.inProcess() == Process.RUNS;
            kept |= w.out() == Departure.KEPT && w.in() == Arrival.NEVER_RAN && w.outProcess() == Process.RUNS;
            for (World after : next(w)) {
                if (seen.add(after)) {
                    open.add(after);
                }
            }
        }
        assertThat(moved && kept).isTrue();
        return seen.size();
    }

    private static void requireRightDisks(World w) {
        Disks disks = w.disks();
        assertThat(disks.here() && disks.there())
                .as("two machines could start: %s", w)
                .isFalse();
        assertThat(w.outProcess() == Process.RUNS && !disks.here())
                .as("runs on what is set aside: %s", w)
                .isFalse();
        assertThat(w.inProcess() == Process.RUNS && !disks.there())
                .as("runs on what may be removed: %s", w)
                .isFalse();
        assertThat(w.hasRunThere() && !disks.there())
                .as("the newest disks are gone: %s", w)
                .isFalse();
    }
}
