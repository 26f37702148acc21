package dev.holdfast.coordinator.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.participant.GivenUp;
import dev.holdfast.coordinator.protocol.participant.Membership;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a node does about rounds of which the store may have no record any more; the test runs the timers by hand. */
@Timeout(120)
class ForgottenTest {

    private static final Name N1 = new Name("n1");

    private final MemoryDecisionLog log = new MemoryDecisionLog();
    private final ScriptedSnapshotter vms = new ScriptedSnapshotter(N1);
    private final MemoryChannel channel = new MemoryChannel(MemoryChannel.hub(), N1);
    private final BlockingQueue<Runnable> timers = new LinkedBlockingQueue<>();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final Lanes lanes = new Lanes(
            (round, event) -> told.add(round + " " + event.getClass().getSimpleName()), (round, event) -> {}, channel);
    private final EnginePorts ports = new EnginePorts(log, channel, new MemoryJournal(), vms, (delay, task) -> {
        timers.add(task);
        return () -> timers.remove(task);
    });

    @AfterEach
    void stop() {
        lanes.close();
    }

    private static RoundSpec spec(String id) {
        return EngineTest.spec(id, RoundKind.REVERT, new Epoch(1));
    }

    /** Lets the next period pass. */
    private void pass() throws InterruptedException {
        timers.take().run();
    }

    @Test
    void aRoundThatCannotBeReadDoesNotHoldUpThoseBehindItAndIsWarnedOfOnce() throws Exception {
        RoundSpec damaged = spec("r1");
        RoundSpec gone = spec("r2");
        log.damage(damaged.id());
        try (Warnings warnings = Warnings.of(Forgotten.class)) {
            new Forgotten(ports, lanes, asker -> asker.accept(List.of(damaged, gone))).follow();
            for (int period = 1; period <= 3; period++) {
                pass();
                int times = period;
                await().untilAsserted(() -> assertThat(told).hasSize(times).containsOnly("r2 RecordGone"));
            }
            assertThat(warnings.texts())
                    .singleElement()
                    .asString()
                    .contains("round r1")
                    .contains("the test has damaged round r1");
        }
    }

    @Test
    void chainsThatAreBeingLookedAtAreNotQueuedForAnotherLook() throws Exception {
        RoundSpec spec = spec("r1");
        ParticipantEffects effects = new ParticipantEffects(N1, spec, ports, lanes);
        CountDownLatch answers = new CountDownLatch(1);
        vms.forgetting = () -> await().until(() -> answers.getCount() == 0);
        for (int time = 0; time < 5; time++) {
            effects.forget(new ParticipantEffect.Forget(spec));
        }
        answers.countDown();
        awaitPhases(spec);
        assertThat(vms.calls).containsExactly("forget");

        effects.forget(new ParticipantEffect.Forget(spec));
        awaitPhases(spec);
        assertThat(vms.calls).as("once it has answered it is asked anew").containsExactly("forget", "forget");
    }

    @Test
    void whatWaitsIsWarnedOfOnceForEachReason() throws Exception {
        RoundSpec spec = spec("r1");
        ParticipantEffects effects = new ParticipantEffects(N1, spec, ports, lanes);
        try (Warnings warnings = Warnings.of(Phases.class)) {
            for (String why : List.of("web1 waits for it", "web1 waits for it", "web1 is not defined")) {
                vms.failAt("forget", Refusal.failed(why));
                effects.forget(new ParticipantEffect.Forget(spec));
                awaitPhases(spec);
            }
            assertThat(vms.calls).hasSize(3);
            assertThat(warnings.texts())
                    .containsExactly("round r1: web1 waits for it", "round r1: web1 is not defined");
        }
    }

    @Test
    void aCheckpointOfARoundThatThisNodeGaveUpIsAnErrorThatIsToldOnce() {
        GivenUp gaveUp = new GivenUp(new Membership(N1, spec("r1")), Refusal.failed("the test"), false, false);
        ParticipantEvent.RecordGone committed = new ParticipantEvent.RecordGone(true);
        ParticipantState told = gaveUp.onRecordGone(committed).next();
        TransitionLog transitions = new TransitionLog(N1, ports.timers(), Runnable::run);
        try (Warnings warnings = Warnings.of(TransitionLog.class)) {
            transitions.moved(spec("r1").id(), "member", gaveUp, told, committed, Optional.empty());
            transitions.moved(spec("r1").id(), "member", told, told, committed, Optional.empty());
            transitions.tell();
            assertThat(warnings.texts())
                    .singleElement()
                    .asString()
                    .contains("round r1")
                    .contains("verify shop@c1");
        }
    }

    /** Waits until the phases of a round that were started so far have answered. */
    private void awaitPhases(RoundSpec spec) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        lanes.phases().start(spec.id(), () -> {
            done.countDown();
            return new ParticipantEvent.NothingWaits();
        });
        done.await();
    }
}
