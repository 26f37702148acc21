package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.ReplicaEffect;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaHands;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Self;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplicaLoopTest {
    private final ManualThread thread = new ManualThread();
    private final List<String> seen = new ArrayList<>();
    private final List<Throwable> fatal = new ArrayList<>();
    private int failures;
    private final ReplicaLoop loop = new ReplicaLoop(
            "web", Out.begin(new Self(new Name("n1"), Policy.pause())), thread, hands(), new Recorder(), fatal::add);

    /** Notes what it is told to do; the first times it cannot. */
    @SuppressWarnings("unchecked")
    private ReplicaHands<NotYetException> hands() {
        return (ReplicaHands<NotYetException>) Proxy.newProxyInstance(
                ReplicaHands.class.getClassLoader(),
                new Class<?>[] {ReplicaHands.class},
                (proxy, method, arguments) -> {
                    if (failures > 0) {
                        failures--;
                        seen.add("not yet");
                        throw new NotYetException("not yet");
                    }
                    seen.add(((ReplicaEffect) arguments[0]).getClass().getSimpleName());
                    return null;
                });
    }

    private final class Recorder implements ReplicaLoop.Watcher {
        @Override
        public void moved(ReplicaState before, ReplicaEvent event, ReplicaState after) {
            seen.add("moved");
        }

        @Override
        public void rejected(ReplicaEvent event, ReplicaState state) {
            seen.add("rejected");
        }

        @Override
        public void settled() {
            // Of no interest here.
        }
    }

    @Test
    void anEffectIsTriedAgainUntilItIsDoneAndNoEventComesBefore() {
        failures = 2;
        loop.post(new ReplicaEvent.DiscardAsked());
        loop.post(new ReplicaEvent.PromoteAsked());
        thread.runAll();
        assertThat(seen).containsExactly("moved", "not yet", "not yet", "DropCopy", "Done", "moved", "ReadRecord");
        assertThat(thread.delays()).isEqualTo(2);
    }

    @Test
    void whatDoesNotFitIsToldAndChangesNothing() {
        loop.post(new ReplicaEvent.RolledBack());
        thread.runAll();
        assertThat(seen).containsExactly("rejected");
        assertThat(loop.state()).isInstanceOf(Out.class);
        assertThat(fatal).isEmpty();
    }
}
