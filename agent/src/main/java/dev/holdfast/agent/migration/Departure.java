package dev.holdfast.agent.migration;

import static dev.holdfast.agent.migration.Departure.Effect.ASK_LOADED;
import static dev.holdfast.agent.migration.Departure.Effect.DROP_TARGET;
import static dev.holdfast.agent.migration.Departure.Effect.FORGET;
import static dev.holdfast.agent.migration.Departure.Effect.NOTE_HANDED_OVER;
import static dev.holdfast.agent.migration.Departure.Effect.ORDER_RUN;
import static dev.holdfast.agent.migration.Departure.Effect.QUIT_HERE;
import static dev.holdfast.agent.migration.Departure.Effect.REOPEN_DISKS;
import static dev.holdfast.agent.migration.Departure.Effect.RUN_HERE;
import static dev.holdfast.agent.migration.Departure.Effect.SET_DISKS_ASIDE;
import static dev.holdfast.agent.migration.Departure.Effect.STREAM;
import static dev.holdfast.agent.migration.Departure.Effect.WITHDRAW;

import java.util.List;

/**
 * A machine's way out, as the node sees it that runs it. Pure: an event goes in, the next state and the effects come out, which
 * are carried out in order; an effect may bring the next event, and what comes after it is not carried out then, unless the move is
 * over: that is brought to its end whatever comes of it.
 *
 * <p>The rule behind the table: the target is ordered to run the machine only after {@link Effect#NOTE_HANDED_OVER}, and the
 * machine runs on here only if that order was never given, or the target proves that it will never follow it.
 *
 * <p>Disks that were copied are two sets of files. Those here are set aside before the note, so that nobody starts from them
 * once the target may have run, and are opened again only where the machine may run here. On shared storage there is one set,
 * and these two effects do nothing.
 */
public enum Departure {
    /** The target is asked to wait for it. The machine runs here. */
    PREPARING,
    /** Its memory is on the way. The machine runs here. */
    STREAMING,
    /** All of it is sent; the machine stands still on both nodes and is this one's. */
    AT_REST,
    /** The journal is being told that it is the target's. */
    NOTING,
    /** The journal may say that it is the target's although it is not: the target has to drop it before it may run here. */
    WITHDRAWING,
    /** It is the target's. */
    HANDED_OVER,
    /** It is this node's for certain, and is let run. */
    RETURNING,
    /** Over: it runs here. */
    KEPT,
    /** Over: it runs on the target. */
    MOVED,
    /** Over: it does not run here any more, and the target was not told to run it, or has lost it. */
    ENDED;

    /** What is done. */
    enum Effect {
        STREAM,
        ASK_LOADED,
        /** Nothing can start from a copied machine's disks here any more. */
        SET_DISKS_ASIDE,
        /** The disks here are the machine's. */
        REOPEN_DISKS,
        NOTE_HANDED_OVER,
        ORDER_RUN,
        /** Has the target drop it, and wants to know. */
        WITHDRAW,
        /** Has the target drop it; it finds out by itself if it does not hear that. */
        DROP_TARGET,
        RUN_HERE,
        QUIT_HERE,
        FORGET
    }

    /** What happens. */
    enum Event {
        TARGET_LISTENS,
        TARGET_REFUSES,
        STREAM_COMPLETED,
        STREAM_FAILED,
        TARGET_LOADED,
        /** The disks here could not be set aside. */
        NOT_ASIDE,
        NOTED,
        NOTE_FAILED,
        TARGET_RUNS,
        /** The target has dropped it and never let it run, for certain. */
        TARGET_NEVER_RAN,
        /** The target knows nothing of it. */
        TARGET_FORGOT,
        TARGET_SILENT,
        RUNS_HERE,
        /** It cannot be let run now. */
        STUCK,
        /** Its process here is gone. */
        GONE,
        /** Somebody wants it stopped here. */
        STOPPED,
        /** Time has passed, or the agent is back and has read its journal. */
        RETRY
    }

    /**
     * Where it is.
     *
     * @param next the state
     * @param effects what is still to be carried out
     */
    record Step(Departure next, List<Effect> effects) {
        /** The same once an event has come. Nobody comes back to what is over, so all that is left of it is carried out. */
        Step on(Event event) {
            return next.isOver() ? this : next.on(event);
        }

        /** The same without its first effect. */
        Step rest() {
            return new Step(next, effects.subList(1, effects.size()));
        }
    }

    private static Step to(Departure next, Effect... effects) {
        return new Step(next, List.of(effects));
    }

    /** Whether nothing is to be done any more. */
    boolean isOver() {
        return this == KEPT || this == MOVED || this == ENDED;
    }

    /** Whether the target was, or may have been, told to run it. */
    boolean isHandedOver() {
        return this == HANDED_OVER || this == MOVED;
    }

    Step on(Event event) {
        return switch (this) {
            case PREPARING, STREAMING, AT_REST, NOTING -> whileMine(event);
            case WITHDRAWING -> withdrawing(event);
            case HANDED_OVER -> handedOver(event);
            case RETURNING -> returning(event);
            case KEPT, MOVED, ENDED -> to(this);
        };
    }

    private Step whileMine(Event event) {
        return switch (event) {
            case TARGET_LISTENS -> this == PREPARING ? to(STREAMING, STREAM) : to(this);
            case STREAM_COMPLETED -> this == STREAMING ? to(AT_REST, ASK_LOADED) : to(this);
            case TARGET_LOADED -> this == AT_REST ? to(NOTING, SET_DISKS_ASIDE, NOTE_HANDED_OVER) : to(this);
            case NOTED -> this == NOTING ? to(HANDED_OVER, ORDER_RUN) : to(this);
            case NOTE_FAILED -> to(WITHDRAWING, WITHDRAW);
            case GONE -> to(ENDED, DROP_TARGET, REOPEN_DISKS, FORGET);
            case STOPPED -> to(ENDED, DROP_TARGET, QUIT_HERE, REOPEN_DISKS, FORGET);
            case TARGET_REFUSES,
                    STREAM_FAILED,
                    NOT_ASIDE,
                    TARGET_RUNS,
                    TARGET_NEVER_RAN,
                    TARGET_FORGOT,
                    TARGET_SILENT,
                    RUNS_HERE,
                    STUCK,
                    RETRY -> to(RETURNING, REOPEN_DISKS, RUN_HERE);
        };
    }

    private static Step withdrawing(Event event) {
        return switch (event) {
            case TARGET_NEVER_RAN, TARGET_FORGOT -> to(RETURNING, REOPEN_DISKS, RUN_HERE);
            case STOPPED -> to(ENDED, QUIT_HERE, FORGET);
            case RETRY -> to(WITHDRAWING, WITHDRAW);
            default -> to(WITHDRAWING);
        };
    }

    private static Step handedOver(Event event) {
        return switch (event) {
            case TARGET_RUNS -> to(MOVED, QUIT_HERE, FORGET);
            case TARGET_NEVER_RAN -> to(RETURNING, REOPEN_DISKS, RUN_HERE);
            // It may have run there and be gone: what is in memory here is older than the disks then, and copied disks
            // are.
            case TARGET_FORGOT, STOPPED -> to(ENDED, QUIT_HERE, FORGET);
            case RETRY -> to(HANDED_OVER, ORDER_RUN);
            // An earlier life of the agent took it back and did not get to note it.
            case RUNS_HERE -> to(KEPT, DROP_TARGET, FORGET);
            default -> to(HANDED_OVER);
        };
    }

    private static Step returning(Event event) {
        return switch (event) {
            case RUNS_HERE -> to(KEPT, DROP_TARGET, FORGET);
            case GONE -> to(ENDED, DROP_TARGET, REOPEN_DISKS, FORGET);
            case STOPPED -> to(ENDED, DROP_TARGET, QUIT_HERE, REOPEN_DISKS, FORGET);
            case RETRY -> to(RETURNING, REOPEN_DISKS, RUN_HERE);
            default -> to(RETURNING);
        };
    }
}
