package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.util.function.Supplier;

/** What can be asked of a replicated machine on a node. */
public enum Wish {
    /** Pacemaker wants it to run here. */
    PROMOTE(ReplicaEvent.PromoteAsked::new),
    /** Pacemaker wants it not to run here any more. */
    DEMOTE(ReplicaEvent.DemoteAsked::new),
    /** It shall go on from the standby, without a loss. */
    SWITCHOVER(ReplicaEvent.SwitchoverAsked::new),
    /** Pacemaker stops its part here; the copy stays. Not for one who leads. */
    RETIRE(ReplicaEvent.RetireAsked::new),
    /** What this node has of it may be lost. */
    DISCARD(ReplicaEvent.DiscardAsked::new);

    private final Supplier<ReplicaEvent> event;

    Wish(Supplier<ReplicaEvent> event) {
        this.event = event;
    }

    ReplicaEvent event() {
        return event.get();
    }
}
