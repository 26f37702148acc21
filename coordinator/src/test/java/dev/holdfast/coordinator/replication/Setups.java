package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.replication.Setup.Fault;
import java.util.List;

/** The worlds that are explored. */
final class Setups {

    static final Setup NODE = Setup.of(2, 3).with(Fault.NODE, 1);
    static final Setup AGENT = Setup.of(2, 3).with(Fault.AGENT, 1);
    static final Setup LINK_NODE =
            Setup.of(2, 3).with(Fault.LINK, 1).with(Fault.NODE, 1).outputCommit();
    static final Setup LINK_ANSWER = Setup.of(2, 3).with(Fault.LINK, 1).with(Fault.ANSWER, 1);
    static final Setup LINK_STORE = Setup.of(2, 2).with(Fault.LINK, 1).with(Fault.STORE, 1);
    static final Setup AGENT_LINK = Setup.of(2, 2).with(Fault.AGENT, 1).with(Fault.LINK, 1);
    static final Setup AGENT_QEMU = Setup.of(2, 2).with(Fault.AGENT, 1).with(Fault.QEMU, 1);
    static final Setup QEMU_LINK = Setup.of(2, 3).with(Fault.QEMU, 1).with(Fault.LINK, 1);
    static final Setup QEMU_ANSWER = Setup.of(2, 3).with(Fault.QEMU, 1).with(Fault.ANSWER, 1);
    static final Setup QEMU_NODE = Setup.of(2, 2).with(Fault.QEMU, 1).with(Fault.NODE, 1);
    static final Setup SWITCHOVER_ANSWER =
            Setup.of(2, 2).with(Fault.SWITCHOVER, 1).with(Fault.ANSWER, 1);
    static final Setup SWITCHOVER_AGENT =
            Setup.of(2, 2).with(Fault.SWITCHOVER, 1).with(Fault.AGENT, 1);
    static final Setup SWITCHOVER_CONTINUE = Setup.of(2, 1)
            .with(Fault.SWITCHOVER, 1)
            .with(Fault.AGENT, 1)
            .with(Fault.STORE, 1)
            .with(Fault.PROMOTE, 1)
            .with(Fault.SEED, 0)
            .goesOn()
            .onceProtected();
    static final Setup DEMOTE_LINK = Setup.of(2, 3).with(Fault.DEMOTE, 1).with(Fault.LINK, 1);
    static final Setup STOP_POWER = Setup.of(2, 2).with(Fault.STOP, 1).with(Fault.POWER, 1);
    static final Setup REVERT_POWER = Setup.of(2, 2).with(Fault.REVERT, 1).with(Fault.POWER, 1);
    static final Setup REVERT_QEMU = Setup.of(2, 2).with(Fault.REVERT, 1).with(Fault.QEMU, 1);
    static final Setup REVERT_AGENT = Setup.of(2, 2).with(Fault.REVERT, 1).with(Fault.AGENT, 1);
    static final Setup POWER_TWICE = Setup.of(2, 1).with(Fault.POWER, 2).with(Fault.PROMOTE, 3);
    static final Setup FINER =
            Setup.of(2, 2).with(Fault.AGENT, 1).with(Fault.QEMU, 1).finer();
    static final Setup CONTINUE = Setup.of(2, 3)
            .with(Fault.LINK, 1)
            .with(Fault.STORE, 1)
            .with(Fault.POWER, 1)
            .with(Fault.PROMOTE, 1)
            .goesOn()
            .onceProtected();
    static final Setup RETIRE_NODE = Setup.of(2, 2).with(Fault.RETIRE, 1).with(Fault.NODE, 1);
    static final Setup RETIRE_POWER =
            Setup.of(2, 1).with(Fault.RETIRE, 1).with(Fault.POWER, 2).with(Fault.PROMOTE, 3);
    static final Setup RETIRE_STOP = Setup.of(2, 2).with(Fault.RETIRE, 1).with(Fault.STOP, 1);
    static final Setup RETIRE_CONTINUE = CONTINUE.with(Fault.RETIRE, 1);
    static final Setup FAIL_OVER = Setup.of(2, 1)
            .with(Fault.FAIL_OVER, 1)
            .with(Fault.POWER, 1)
            .with(Fault.DEMOTE, 1)
            .with(Fault.PROMOTE, 2)
            .onceProtected();
    static final Setup FAIL_OVER_AGENT =
            FAIL_OVER.with(Fault.POWER, 0).with(Fault.QEMU, 1).with(Fault.AGENT, 1);
    static final Setup FAIL_OVER_RETIRE = FAIL_OVER.with(Fault.RETIRE, 1).with(Fault.ANSWER, 1);
    static final Setup NO_FENCING = Setup.of(2, 3).with(Fault.LINK, 1).withoutFencing();
    static final Setup THREE = Setup.of(3, 2).with(Fault.QEMU, 1).with(Fault.LINK, 1);

    private Setups() {}

    /** Explored each time. */
    static List<Setup> small() {
        return List.of(
                NODE,
                LINK_NODE,
                LINK_ANSWER,
                LINK_STORE,
                AGENT_QEMU,
                QEMU_LINK,
                QEMU_NODE,
                SWITCHOVER_ANSWER,
                SWITCHOVER_AGENT,
                SWITCHOVER_CONTINUE,
                DEMOTE_LINK,
                STOP_POWER,
                REVERT_POWER,
                REVERT_AGENT,
                POWER_TWICE,
                FINER,
                CONTINUE,
                NO_FENCING,
                FAIL_OVER,
                RETIRE_NODE,
                RETIRE_POWER,
                RETIRE_STOP,
                THREE);
    }

    /** Explored if asked for: minutes, and more memory. */
    static List<Setup> large() {
        return List.of(
                AGENT,
                QEMU_ANSWER,
                AGENT_LINK,
                REVERT_QEMU,
                NODE.with(Fault.ANSWER, 1),
                NODE.with(Fault.NODE, 2),
                AGENT.with(Fault.AGENT, 2),
                LINK_STORE.with(Fault.ANSWER, 1),
                RETIRE_CONTINUE,
                FAIL_OVER_AGENT,
                FAIL_OVER_RETIRE,
                Setup.of(2, 2).with(Fault.RETIRE, 1).with(Fault.POWER, 2).with(Fault.PROMOTE, 3),
                SWITCHOVER_ANSWER.with(Fault.LINK, 1),
                LINK_NODE.with(Fault.SEED, 2),
                Setup.of(3, 3).with(Fault.NODE, 1).with(Fault.SEED, 2),
                Setup.of(3, 3).with(Fault.LINK, 1).with(Fault.NODE, 1));
    }
}
