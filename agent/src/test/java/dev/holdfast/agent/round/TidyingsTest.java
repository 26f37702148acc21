package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
        assertThat(tidyings.ahead(new Name("db"), () -> "another machine")).contains("another machine");
        assertThat(tidying).isNotDone();
        assertThat(tidyings.ahead(WEB, () -> "after it")).contains("after it");
        tidying.join();
        assertThat(tidyings.ahead(WEB, () -> "at once")).contains("at once");
    }

    @Test
    void noOtherTidyingIsBegunBeforeWhoeverWantsTheMachineHasIt() throws Exception {
        Tidyings tidyings = new Tidyings(Duration.ofSeconds(20));
        List<String> order = new ArrayList<>();
        Optional<String> claimed = tidyings.ahead(WEB, () -> {
            assertThat(isBegun(tidyings, order)).as("before the claim").isFalse();
            // Two may want it at once: the first that has it leaves the other one its turn.
            tidyings.ahead(WEB, () -> order.add("the other one"));
            assertThat(isBegun(tidyings, order)).as("one still wants it").isFalse();
            return "claimed";
        });
        assertThat(claimed).contains("claimed");
        assertThat(isBegun(tidyings, order)).as("nobody wants it any more").isTrue();
        assertThat(order).containsExactly("the other one", "a tidying");
    }

    private static boolean isBegun(Tidyings tidyings, List<String> order) {
        try {
            return tidyings.run(WEB, wanted -> order.add("a tidying"));
        } catch (SnapshotException e) {
            throw new IllegalStateException(e);
        }
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
        assertThat(tidyings.ahead(WEB, () -> {
                    throw new AssertionError("the machine is not free");
                }))
                .isEmpty();
        assertThat(tidyings.run(WEB, wanted -> {
                    throw new AssertionError("it is being tidied");
                }))
                .isFalse();
        end.countDown();
        tidying.join();
    }
}
