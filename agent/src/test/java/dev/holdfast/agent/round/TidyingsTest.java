package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TidyingsTest {
    private static final Name WEB = new Name("web");

    private static CompletableFuture<Void> inBackground(Tidyings tidyings, Tidyings.Work work) {
        return CompletableFuture.runAsync(() -> {
            try {
                tidyings.run(WEB, work);
            } catch (SnapshotException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void whoWantsTheMachineHasItAfterTheStepThatIsUnderWay() throws Exception {
        Tidyings tidyings = new Tidyings(Duration.ofSeconds(20));
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Void> tidying = inBackground(tidyings, wanted -> {
            begun.countDown();
            while (!wanted.getAsBoolean()) {
                Thread.onSpinWait();
            }
        });
        begun.await();
        assertThat(tidyings.giveWay(new Name("db"))).as("another machine").isTrue();
        assertThat(tidying).isNotDone();
        assertThat(tidyings.giveWay(WEB)).isTrue();
        tidying.join();
        assertThat(tidyings.giveWay(WEB)).as("nothing is under way").isTrue();
    }

    @Test
    void aStepThatTakesLongIsNotWaitedFor() throws Exception {
        Tidyings tidyings = new Tidyings(Duration.ofMillis(20));
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        CompletableFuture<Void> tidying = inBackground(tidyings, wanted -> {
            begun.countDown();
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        begun.await();
        assertThat(tidyings.giveWay(WEB)).isFalse();
        assertThat(tidyings.run(WEB, wanted -> {
                    throw new AssertionError("it is being tidied");
                }))
                .isFalse();
        end.countDown();
        tidying.join();
    }
}
