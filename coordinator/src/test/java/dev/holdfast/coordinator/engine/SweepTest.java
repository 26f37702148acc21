package dev.holdfast.coordinator.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A reading of all rounds that was asked for by who only took part, and is answered when that node has come into office. */
@Timeout(120)
class SweepTest {
    private static final Name OUTSIDER = new Name("n3");

    private final MemoryDecisionLog log = new MemoryDecisionLog();
    private final BlockingQueue<Runnable> timers = new LinkedBlockingQueue<>();
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch answered = new CountDownLatch(1);
    private final List<Throwable> contradictions = new ArrayList<>();

    /** The store as such a node reads it: without others' votes, and late. Nobody else tells the engine of rounds. */
    private Object answer(Method method, Object[] arguments) throws Throwable {
        switch (method.getName()) {
            case "watch":
                return null;
            case "roundsFor":
                asked.countDown();
                answered.await();
                return log.rounds().stream()
                        .map(view -> RoundView.of(
                                view.spec(), view.state(), view.version(), view.ready(), Map.of(), Set.of()))
                        .toList();
            default:
                return method.invoke(log, arguments);
        }
    }

    @Test
    void nothingIsDecidedByAPartOfTheVotes() throws Exception {
        DecisionLog late = (DecisionLog) Proxy.newProxyInstance(
                DecisionLog.class.getClassLoader(),
                new Class<?>[] {DecisionLog.class},
                (proxy, method, arguments) -> answer(method, arguments));
        RoundSpec spec = EngineTest.spec("r1", RoundKind.CHECKPOINT, log.takeOffice());
        log.open(spec);
        for (Name member : spec.members().nodes()) {
            log.castVote(spec.id(), member, new Vote.Durable(new MemberReport(member, 0, "test", List.of())));
        }
        MemoryChannel channel = new MemoryChannel(MemoryChannel.hub(), OUTSIDER);
        EnginePorts ports = new EnginePorts(
                late, channel, new MemoryJournal(), new ScriptedSnapshotter(OUTSIDER), (delay, task) -> {
                    timers.add(task);
                    return () -> timers.remove(task);
                });
        Engine engine = new Engine(OUTSIDER, ports, contradictions::add);
        engine.start();
        while (asked.getCount() > 0) {
            Optional.ofNullable(timers.poll(10, TimeUnit.MILLISECONDS)).ifPresent(Runnable::run);
        }
        Epoch epoch = log.takeOffice();
        engine.onElected(epoch);
        // Answered behind the election: it has been heard.
        engine.run(EngineTest.spec("r2", RoundKind.CHECKPOINT, new Epoch(epoch.value() + 1)))
                .join();
        answered.countDown();
        await().until(() -> log.decided(spec.id()).isPresent());
        assertThat(log.decided(spec.id())).contains(RoundState.COMMITTED);
        engine.close();
        assertThat(contradictions).isEmpty();
    }
}
