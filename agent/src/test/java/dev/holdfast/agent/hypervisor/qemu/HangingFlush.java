package dev.holdfast.agent.hypervisor.qemu;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** The flush of a file that was given up and hangs until this is closed. */
public final class HangingFlush implements AutoCloseable {

    private final CountDownLatch answers = new CountDownLatch(1);
    private final Path file;

    public HangingFlush(Path file) throws InterruptedException {
        this.file = file.toAbsolutePath();
        CountDownLatch reached = new CountDownLatch(1);
        Flush flush = new Flush(file, () -> {
            reached.countDown();
            await().forever().until(() -> answers.getCount() == 0);
            return 0;
        });
        CompletableFuture.runAsync(() -> {
            try {
                flush.run();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        reached.await();
        flush.giveUp();
    }

    @Override
    public void close() {
        answers.countDown();
        await().atMost(Duration.ofSeconds(30)).until(() -> !Flush.hanging().contains(file));
    }
}
