package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.image.ImageException;
import dev.holdfast.agent.image.ImageReader;
import dev.holdfast.agent.image.ImageWriter;
import dev.holdfast.agent.image.KeyFiles;
import dev.holdfast.agent.image.MemoryKeys;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The agent's side of an encrypted stream, with the test in QEMU's place. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class EncryptedMemoryTest {
    private static final byte[] MEMORY = new byte[(5 << 20) + 11];

    @TempDir
    private Path directory;

    private MemoryKeys keys;
    private Path image;

    @BeforeEach
    void fill() throws IOException {
        new Random(3).nextBytes(MEMORY);
        keys = KeyFiles.keys(directory.resolve("memory.key"), 1);
        image = directory.resolve("memory");
    }

    private MemorySink sink() throws Exception {
        return MemorySink.create(image, MEMORY.length, keys.writing());
    }

    /** Ours is closed with it, so that this is the handing over, too. */
    private static FileOutputStream qemu(MemorySink sink) throws IOException {
        return new FileOutputStream(sink.descriptor());
    }

    @Test
    void whatQemuWroteIsInTheImageOnceItHasClosedItsEnd() throws Exception {
        try (MemorySink sink = sink()) {
            try (FileOutputStream qemu = qemu(sink)) {
                qemu.write(MEMORY);
            }
            assertThat(sink.seal()).isEqualTo(Files.size(image));
            assertThat(sink.failure()).isEmpty();
        }
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        try (ImageReader reader = ImageReader.open(image, keys)) {
            reader.writeTo(Channels.newChannel(read), Progress.NONE);
        }
        assertThat(Arrays.equals(read.toByteArray(), MEMORY)).isTrue();
    }

    @Test
    void whatWasCutOffIsNoImage() throws Exception {
        try (MemorySink sink = sink();
                FileOutputStream qemu = qemu(sink)) {
            qemu.write(MEMORY, 0, 2 << 20);
            sink.cutOff();
            assertThatThrownBy(() -> qemu.write(MEMORY)).isInstanceOf(IOException.class);
            assertThatThrownBy(sink::seal).hasMessageContaining("cut off");
            assertThatThrownBy(() -> ImageReader.open(image, keys)
                            .writeTo(Channels.newChannel(new ByteArrayOutputStream()), Progress.NONE))
                    .hasMessageContaining("is damaged");
        }
    }

    @Test
    void aFileThatCannotBeWrittenEndsTheStreamAndSaysSo() throws Exception {
        MemoryFile file = MemoryFile.create(image, MEMORY.length);
        try (EncryptedMemory sink = EncryptedMemory.upon(file, keys.writing().orElseThrow());
                FileOutputStream qemu = qemu(sink)) {
            file.close();
            assertThatThrownBy(() -> qemu.write(MEMORY)).isInstanceOf(IOException.class);
            assertThatThrownBy(sink::seal).hasMessageContaining("the agent could not write what it encrypts");
            sink.remove();
        }
        assertThat(image).doesNotExist();
    }

    @Test
    void theImageIsRemovedWhileQemuStillHasItsEnd() throws Exception {
        try (MemorySink sink = sink();
                FileOutputStream qemu = qemu(sink)) {
            qemu.write(MEMORY, 0, 1000);
            sink.remove();
            assertThatThrownBy(() -> qemu.write(MEMORY)).isInstanceOf(IOException.class);
        }
        assertThat(image).doesNotExist();
    }

    @Test
    void anErrorOfTheAgentIsNoEndOfTheStreamThatIsEncrypted() throws Exception {
        MemoryFile file = MemoryFile.create(image, MEMORY.length);
        ImageWriter writer = ImageWriter.begin(file.channel(), keys.writing().orElseThrow());
        Conveyor conveyor = Conveyor.start("failing", stream -> {
            throw new IllegalStateException("a defect");
        });
        try (EncryptedMemory sink = new EncryptedMemory(file, writer, conveyor);
                FileOutputStream qemu = qemu(sink)) {
            assertThatThrownBy(() -> qemu.write(MEMORY)).isInstanceOf(IOException.class);
            assertThatThrownBy(sink::seal).hasMessageContaining("a defect");
        }
        assertThat(Files.size(image)).as("only the head").isEqualTo(96);
    }

    @Test
    void aStreamThatWasEndedFromThisSideIsNoEndOfTheStream() throws Exception {
        MemoryFile file = MemoryFile.create(image, MEMORY.length);
        ImageWriter writer = ImageWriter.begin(file.channel(), keys.writing().orElseThrow());
        Conveyor conveyor = Conveyor.start("deceived", stream -> {
            while (stream.own().isOpen()) {
                Thread.onSpinWait();
            }
        });
        try (EncryptedMemory sink = new EncryptedMemory(file, writer, conveyor)) {
            conveyor.close();
            assertThatThrownBy(sink::seal).hasMessageContaining("cut off");
        }
    }

    @Test
    void anErrorOfTheAgentIsNoEndOfTheStreamThatIsDecrypted() throws Exception {
        try (MemorySink sink = sink()) {
            sink.handedOver();
            sink.seal();
        }
        Conveyor conveyor = Conveyor.start("failing", stream -> {
            throw new AssertionError("a defect");
        });
        try (MemorySource source = new DecryptedMemory(ImageReader.open(image, keys), conveyor)) {
            assertThatThrownBy(source::end).isInstanceOf(ImageException.class).hasMessageContaining("a defect");
        }
        assertThat(conveyor.isDone()).isFalse();
    }
}
