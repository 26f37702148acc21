package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class MemoryFileTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    @Test
    void theImageIsTheOwnersAlone() throws Exception {
        Path image = directory.resolve("memory");
        try (MemoryFile file = MemoryFile.create(image, 1 << 20)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(image)))
                    .isEqualTo("rw-------");
            assertThat(file.seal()).isZero();
        }
    }

    @Test
    void memoryIsNotWrittenThroughAPlantedLink() throws Exception {
        Path precious = Files.writeString(directory.resolve("precious"), "content");
        Path symbolic = Files.createSymbolicLink(directory.resolve("symbolic"), precious);
        Path dangling = Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("planted"));
        Path hard = Files.createLink(directory.resolve("hard"), precious);
        for (Path link : new Path[] {symbolic, dangling, hard}) {
            assertThatThrownBy(() -> MemoryFile.create(link, 1 << 20)).hasMessageContaining("exists already");
            assertThat(precious).hasContent("content");
            assertThat(directory.resolve("planted")).doesNotExist();
        }
    }

    @Test
    void memoryIsNotWrittenWhereOthersCouldReplaceIt() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(() -> MemoryFile.create(directory.resolve("memory"), 1 << 20))
                .hasMessageContaining("chmod go-w " + directory);
        assertThat(directory.resolve("memory")).doesNotExist();
    }

    /** Storage on which a flush hangs until the test lets it go on. */
    private static MemoryFile.Durability hanging(CountDownLatch reached, CountDownLatch answers) {
        return channel -> {
            reached.countDown();
            await().forever().until(() -> answers.getCount() == 0);
            channel.force(true);
        };
    }

    @Test
    @Timeout(120)
    void whoeverWaitsForStorageThatHangsIsFreeWhenTheCaptureIsGivenUp() throws Exception {
        CountDownLatch reached = new CountDownLatch(1);
        CountDownLatch answers = new CountDownLatch(1);
        Path image = directory.resolve("memory");
        MemoryFile file = MemoryFile.create(image, 1 << 20, hanging(reached, answers));
        CompletableFuture<Long> sealing = CompletableFuture.supplyAsync(() -> {
            try {
                return file.seal();
            } catch (HypervisorException e) {
                throw new CompletionException(e);
            }
        });
        reached.await();
        assertThat(sealing).isNotDone();
        file.cutOff();
        assertThatThrownBy(sealing::get)
                .cause()
                .isInstanceOfSatisfying(
                        HypervisorException.class,
                        e -> assertThat(e.kind()).isEqualTo(HypervisorException.Kind.UNKNOWN))
                .hasMessageContaining(image + " was not on stable storage")
                .hasMessageContaining("look at the storage");
        file.cutOff();
        assertThat(Flush.hanging()).as("given up twice, and it hangs").contains(image);
        file.remove();
        assertThat(image).doesNotExist();
        assertThat(file.channel().isOpen()).as("the thread is in it").isTrue();

        assertThatThrownBy(() -> MemoryFile.create(directory.resolve("next"), 1 << 20))
                .as("it would reserve as much again")
                .hasMessageContaining(image + " durable")
                .hasMessageContaining("look at that storage");
        Path elsewhere = Files.createDirectory(
                directory.resolve("other"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try (MemoryFile next = MemoryFile.create(elsewhere.resolve("memory"), 1 << 20)) {
            assertThat(next.seal()).as("of another machine").isZero();
        }
        answers.countDown();
        await().atMost(PATIENCE).until(() -> !Flush.hanging().contains(image));
        await().atMost(PATIENCE).until(() -> !file.channel().isOpen());
        try (MemoryFile next = MemoryFile.create(image, 1 << 20)) {
            assertThat(next.seal()).as("the next capture").isZero();
        }
    }

    @Test
    void whatWasCutOffBeforeIsNotFlushedAtAll() throws Exception {
        AtomicBoolean flushed = new AtomicBoolean();
        try (MemoryFile file = MemoryFile.create(directory.resolve("memory"), 1 << 20, channel -> flushed.set(true))) {
            file.cutOff();
            assertThatThrownBy(file::seal).hasMessageContaining("was given up");
        }
        assertThat(flushed).isFalse();
        assertThat(Flush.hanging()).doesNotContain(directory.resolve("memory"));
    }

    @Test
    void storageThatFailsSaysSo() throws Exception {
        try (MemoryFile file = MemoryFile.create(directory.resolve("memory"), 1 << 20, channel -> {
            throw new IOException("the disk is gone");
        })) {
            assertThatThrownBy(file::seal).hasMessageContaining("cannot make", "the disk is gone");
        }
    }

    @Test
    @Timeout(120)
    void whoeverWaitsLearnsOfAnErrorToo() throws Exception {
        try (MemoryFile file = MemoryFile.create(directory.resolve("memory"), 1 << 20, channel -> {
            throw new StackOverflowError("too deep");
        })) {
            assertThatThrownBy(file::seal).hasMessageContaining("too deep");
        }
    }
}
