package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.unix.SocketPair;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a stream ends, and who closes what. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ConveyorTest {

    @Test
    void aFileInWhichTheThreadHangsIsClosedByThatThreadWhenItGoesOn() throws Exception {
        CountDownLatch storage = new CountDownLatch(1);
        AtomicReference<String> closedBy = new AtomicReference<>("");
        Conveyor conveyor = Conveyor.start("hanging", stream -> awaitUninterrupted(storage));
        conveyor.close(() -> closedBy.set(Thread.currentThread().getName()));
        assertThat(closedBy).as("while the storage hangs").hasValue("");
        storage.countDown();
        assertThat(conveyor.isOver(Duration.ofSeconds(30))).isTrue();
        assertThat(closedBy).hasValue("hanging");
    }

    @Test
    void aFileOfWhichTheThreadLetsGoIsClosedAtOnce() throws Exception {
        AtomicReference<String> closedBy = new AtomicReference<>("");
        Conveyor conveyor = Conveyor.start("fine", stream -> {});
        assertThat(conveyor.isOver(Duration.ofSeconds(30))).isTrue();
        conveyor.close(() -> closedBy.set(Thread.currentThread().getName()));
        assertThat(closedBy).hasValue(Thread.currentThread().getName());
    }

    @Test
    void withoutAThreadNoSocketStaysOpen() throws Exception {
        SocketPair pair = SocketPair.open();
        ThreadFactory exhausted = task -> new Thread(task) {
            @Override
            public void start() {
                throw new OutOfMemoryError("unable to create native thread");
            }
        };
        assertThatThrownBy(() -> Conveyor.start(pair, exhausted, stream -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no thread for a memory stream: unable to create native thread");
        assertThat(pair.own().isOpen()).isFalse();
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts it", e);
        }
    }
}
