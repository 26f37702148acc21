package dev.holdfast.agent.migration;

import static dev.holdfast.agent.migration.Arrival.Effect.DROP;
import static dev.holdfast.agent.migration.Arrival.Effect.FORGET;
import static dev.holdfast.agent.migration.Arrival.Effect.NOTE_TAKEN;
import static dev.holdfast.agent.migration.Arrival.Effect.OWN_DISKS;
import static dev.holdfast.agent.migration.Arrival.Effect.RUN;

import java.util.List;

/**
 * A machine's way in, as the node sees it that is to run it. Pure, like {@link Departure}. It runs only when the other node
 * orders that, and never after this node has said that it never will. A copy of its disks becomes the machine's between the
 * note and the run, and stays so unless it is certain that it has not run.
 */
public enum Arrival {
    /** Its process waits for memory, or has it. It is the other node's. */
    WAITING,
    /** It is this node's: the other one has ordered it to run. */
    TAKEN,
    /** Over: it runs here. */
    RUNS,
    /** Over: it never ran here and never will. */
    NEVER_RAN,
    /** Over: it may have run here and does not any more. */
    LOST;

    /** What is done. */
    enum Effect {
        NOTE_TAKEN,
        /** Copied disks are the machine's from now on, and durable. On shared storage there is nothing to do. */
        OWN_DISKS,
        RUN,
        DROP,
        FORGET
    }

    /** What happens. */
    enum Event {
        /** The other node orders it to run, and all of its memory is here. */
        ORDERED,
        /** The same, and not all of its memory is here. */
        ORDERED_TOO_SOON,
        NOTE_FAILED,
        /** It runs. */
        RAN,
        /** It could not be let run, and has not run for a moment; a copy of its disks is none of it again. */
        DID_NOT_RUN,
        /** It does not answer now; it is told again later. */
        LATER,
        /** Nobody knows whether it has run. */
        MAY_HAVE_RUN,
        /** The other node does not want it here, or does not know it. */
        UNWANTED,
        /** Its process here is gone. */
        GONE,
        /** Somebody wants it stopped here. */
        STOPPED,
        /** The agent is back and has read its journal. */
        RESTARTED
    }

    record Step(Arrival next, List<Effect> effects) {}

    private static Step to(Arrival next, Effect... effects) {
        return new Step(next, List.of(effects));
    }

    /** Whether nothing is to be done any more. */
    boolean isOver() {
        return this != WAITING && this != TAKEN;
    }

    Step on(Event event) {
        return switch (this) {
            case WAITING -> waiting(event);
            case TAKEN -> taken(event);
            case RUNS, NEVER_RAN, LOST -> to(this);
        };
    }

    private static Step waiting(Event event) {
        return switch (event) {
            case ORDERED -> to(TAKEN, NOTE_TAKEN, OWN_DISKS, RUN);
            case ORDERED_TOO_SOON, UNWANTED, GONE, STOPPED -> to(NEVER_RAN, DROP, FORGET);
            case NOTE_FAILED, RAN, DID_NOT_RUN, LATER, MAY_HAVE_RUN, RESTARTED -> to(WAITING);
        };
    }

    private static Step taken(Event event) {
        return switch (event) {
            case RAN -> to(RUNS, FORGET);
            case NOTE_FAILED, DID_NOT_RUN -> to(NEVER_RAN, DROP, FORGET);
            case MAY_HAVE_RUN, GONE, STOPPED -> to(LOST, OWN_DISKS, DROP, FORGET);
            case ORDERED, RESTARTED -> to(TAKEN, OWN_DISKS, RUN);
            case ORDERED_TOO_SOON, LATER, UNWANTED -> to(TAKEN);
        };
    }
}
