package dev.holdfast.agent.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFormatTest {
    private static final int SEALED = Records.CONTENT + Records.TAG;
    private static final int THREE_AND_A_BIT = 3 * Records.CONTENT + 5;

    @TempDir
    private Path directory;

    private final Random random = new Random(7);
    private MemoryKeys keys;
    private MemoryKeys others;

    @BeforeEach
    void makeKeys() throws IOException {
        keys = KeyFiles.keys(directory.resolve("memory.key"), 1);
        others = KeyFiles.keys(directory.resolve("other.key"), 2);
    }

    private byte[] memory(int length) {
        byte[] memory = new byte[length];
        random.nextBytes(memory);
        return memory;
    }

    private Path write(String name, byte[] memory) throws IOException {
        Path image = directory.resolve(name);
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ImageWriter writer = ImageWriter.begin(file, keys.writing().orElseThrow());
            writer.take(Channels.newChannel(new ByteArrayInputStream(memory)));
            writer.complete();
        }
        return image;
    }

    private static byte[] read(Path image, MemoryKeys with, ByteArrayOutputStream into) throws IOException {
        try (ImageReader reader = ImageReader.open(image, with)) {
            reader.writeTo(Channels.newChannel(into), Progress.NONE);
        }
        return into.toByteArray();
    }

    /** It is refused as damaged, and what was given out before that is how the memory begins. */
    private void assertDamaged(Path image, byte[] bytes, byte[] memory, String what) throws IOException {
        Files.write(image, bytes);
        ByteArrayOutputStream given = new ByteArrayOutputStream();
        assertThatThrownBy(() -> read(image, keys, given))
                .as(what)
                .isInstanceOf(ImageException.class)
                .hasMessageContaining(image + " is damaged")
                .hasMessageContaining("restore it from a copy");
        assertThat(given.size() % Records.CONTENT).as(what).isZero();
        assertThat(Arrays.equals(given.toByteArray(), Arrays.copyOf(memory, given.size())))
                .as(what)
                .isTrue();
        assertThat(new KeyedImages(keys).damage(image, Progress.NONE)).as(what).isPresent();
    }

    static IntStream sizesAroundBorders() {
        return IntStream.of(0, Records.CONTENT, 2 * Records.CONTENT, 3 * Records.CONTENT)
                .flatMap(border -> IntStream.rangeClosed(-17, 17).map(off -> border + off))
                .filter(size -> size >= 0 && (size % 4 < 2 || size % Records.CONTENT < 2));
    }

    @Test
    void whatWasWrittenIsReadWhateverItsSize() throws Exception {
        for (int size : sizesAroundBorders().toArray()) {
            byte[] memory = memory(size);
            Path image = write("size-" + size, memory);
            assertThat(read(image, keys, new ByteArrayOutputStream()))
                    .as("%d bytes", size)
                    .isEqualTo(memory);
            long records = size / Records.CONTENT + 1;
            assertThat(image).hasSize(ImageHead.LENGTH + size + records * Records.TAG);
            assertThat(new KeyedImages(keys).isEncrypted(image)).isTrue();
            assertThat(new KeyedImages(keys).damage(image, Progress.NONE)).isEmpty();
            Files.delete(image);
        }
    }

    @Test
    void nothingOfTheMemoryAndOfTheKeysIsInTheFile() throws Exception {
        byte[] memory = memory(THREE_AND_A_BIT);
        byte[] image = Files.readAllBytes(write("image", memory));
        String text = new String(image, java.nio.charset.StandardCharsets.ISO_8859_1);
        for (int at = 0; at + 8 <= memory.length; at += 4093) {
            String piece = new String(memory, at, 8, java.nio.charset.StandardCharsets.ISO_8859_1);
            assertThat(text.contains(piece)).as("byte %d of the memory", at).isFalse();
        }
        assertThat(text).doesNotContain(new String(KeyFiles.bytes(1), java.nio.charset.StandardCharsets.ISO_8859_1));
    }

    @Test
    void theSameMemoryIsNeverTheSameFileTwice() throws Exception {
        byte[] memory = memory(10_000);
        byte[] one = Files.readAllBytes(write("one", memory));
        byte[] two = Files.readAllBytes(write("two", memory));
        int from = ImageHead.MAGIC_LENGTH + Integer.BYTES + MemoryKey.ID_BYTES;
        int equal = (int)
                IntStream.range(from, one.length).filter(i -> one[i] == two[i]).count();
        assertThat(equal).isLessThan(200);
    }

    /** Each field of the head but the magic, each kind of record, content and tag. */
    @Test
    void anyAlteredByteIsFound() throws Exception {
        byte[] memory = memory(THREE_AND_A_BIT);
        Path image = write("image", memory);
        byte[] whole = Files.readAllBytes(image);
        int last = ImageHead.LENGTH + 3 * SEALED;
        Stream<Integer> head = IntStream.range(20, ImageHead.LENGTH).boxed();
        Stream<Integer> records = Stream.of(
                ImageHead.LENGTH,
                ImageHead.LENGTH + Records.CONTENT - 1,
                ImageHead.LENGTH + Records.CONTENT,
                ImageHead.LENGTH + SEALED - 1,
                ImageHead.LENGTH + SEALED,
                ImageHead.LENGTH + 2 * SEALED + 4711,
                last,
                last + 4,
                last + 5,
                whole.length - 1);
        for (int at : Stream.concat(head, records).toList()) {
            byte[] damaged = whole.clone();
            damaged[at] ^= (byte) (1 << random.nextInt(Byte.SIZE));
            assertDamaged(image, damaged, memory, "byte " + at);
        }
    }

    @Test
    void aHeadThatNamesAnotherVersionOrKeyIsToldFromDamageAndNotRead() throws Exception {
        Path image = write("image", memory(100));
        byte[] whole = Files.readAllBytes(image);
        for (int at = ImageHead.MAGIC_LENGTH; at < 20; at++) {
            byte[] altered = whole.clone();
            altered[at] ^= 1;
            Files.write(image, altered);
            String expected = at < 12 ? "of version" : "is encrypted with key";
            assertThatThrownBy(() -> ImageReader.open(image, keys))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining(expected);
        }
        byte[] plain = whole.clone();
        plain[0] ^= 1;
        Files.write(image, plain);
        assertThat(ImageReader.isEncrypted(image)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 5, Records.CONTENT, 2 * Records.CONTENT, THREE_AND_A_BIT})
    void aTailThatWasCutOffOrAddedIsFound(int size) throws Exception {
        byte[] memory = memory(size);
        Path image = write("image", memory);
        byte[] whole = Files.readAllBytes(image);
        Stream<Integer> lengths = Stream.concat(
                Stream.of(
                        ImageHead.MAGIC_LENGTH,
                        ImageHead.LENGTH - 1,
                        ImageHead.LENGTH,
                        whole.length - 1,
                        whole.length + 1,
                        whole.length + Records.TAG,
                        whole.length + SEALED),
                IntStream.rangeClosed(0, size / Records.CONTENT)
                        .boxed()
                        .flatMap(record -> Stream.of(0, 1, Records.TAG - 1, Records.TAG, Records.TAG + 1)
                                .map(more -> ImageHead.LENGTH + record * SEALED + more)));
        for (int length : lengths.filter(length -> length != whole.length).toList()) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertDamaged(image, cut, memory, length + " of " + whole.length + " bytes");
        }
    }

    static List<int[]> wrongOrders() {
        return List.of(
                new int[] {1, 0, 2, 3},
                new int[] {0, 2, 1, 3},
                new int[] {0, 0, 2, 3},
                new int[] {0, 1, 1, 3},
                new int[] {1, 2, 3},
                new int[] {0, 2, 3},
                new int[] {0, 1, 3},
                new int[] {0, 1, 2},
                new int[] {3});
    }

    @ParameterizedTest
    @MethodSource("wrongOrders")
    void recordsThatWereSwappedRepeatedOrLeftOutAreFound(int[] order) throws Exception {
        byte[] memory = memory(THREE_AND_A_BIT);
        Path image = write("image", memory);
        byte[] whole = Files.readAllBytes(image);
        ByteArrayOutputStream altered = new ByteArrayOutputStream();
        altered.write(whole, 0, ImageHead.LENGTH);
        for (int record : order) {
            int from = ImageHead.LENGTH + record * SEALED;
            altered.write(whole, from, Math.min(SEALED, whole.length - from));
        }
        assertDamaged(image, altered.toByteArray(), memory, Arrays.toString(order));
    }

    @Test
    void recordsAndHeadsOfAnotherImageOfTheSameKeyAreFound() throws Exception {
        byte[] memory = memory(THREE_AND_A_BIT);
        Path image = write("image", memory);
        byte[] one = Files.readAllBytes(image);
        byte[] two = Files.readAllBytes(write("another", memory(THREE_AND_A_BIT)));
        for (int record = 0; record <= 3; record++) {
            byte[] mixed = one.clone();
            int from = ImageHead.LENGTH + record * SEALED;
            System.arraycopy(two, from, mixed, from, Math.min(SEALED, one.length - from));
            assertDamaged(image, mixed, memory, "record " + record);
        }
        byte[] mixed = one.clone();
        System.arraycopy(two, 0, mixed, 0, ImageHead.LENGTH);
        assertDamaged(image, mixed, memory, "head");
    }

    @Test
    void anImageWhoseEndWasNeverCertainIsNone() throws Exception {
        byte[] memory = memory(THREE_AND_A_BIT);
        Path image = directory.resolve("image");
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ImageWriter.begin(file, keys.writing().orElseThrow())
                    .take(Channels.newChannel(new ByteArrayInputStream(memory)));
        }
        assertDamaged(image, Files.readAllBytes(image), memory, "not complete");
    }

    @Test
    void aMissingKeyIsToldFromAWrongOneAndFromDamage() throws Exception {
        Path image = write("image", memory(100));
        String id = keys.writing().orElseThrow().id();
        assertThat(new KeyedImages(MemoryKeys.NONE).obstacle(image).orElseThrow())
                .contains("is encrypted with key " + id, "no key for memory images", "checkpoint.memory_key_file");
        assertThat(new KeyedImages(others).obstacle(image).orElseThrow())
                .contains("is encrypted with key " + id, "only others", "checkpoint.old_memory_key_files");
        assertThat(new KeyedImages(keys).obstacle(image)).isEmpty();
    }

    @Test
    void keysAreChangedOneAfterTheOther() throws Exception {
        byte[] memory = memory(100);
        Path old = write("old", memory);
        MemoryKeys both =
                MemoryKeys.read(Optional.of(directory.resolve("other.key")), List.of(directory.resolve("memory.key")));
        assertThat(both.writing().orElseThrow().id())
                .isEqualTo(others.writing().orElseThrow().id());
        assertThat(read(old, both, new ByteArrayOutputStream())).isEqualTo(memory);
        MemoryKeys readOnly = MemoryKeys.read(Optional.empty(), List.of(directory.resolve("memory.key")));
        assertThat(readOnly.writing()).isEmpty();
        assertThat(read(old, readOnly, new ByteArrayOutputStream())).isEqualTo(memory);
    }

    @Test
    void aPlainImageIsNobodysBusiness() throws Exception {
        Path image = Files.writeString(directory.resolve("plain"), "QEVM and what follows");
        Path empty = Files.createFile(directory.resolve("empty"));
        for (Path plain : List.of(image, empty)) {
            KeyedImages images = new KeyedImages(keys);
            assertThat(images.isEncrypted(plain)).isFalse();
            assertThat(images.obstacle(plain)).isEmpty();
            assertThat(images.damage(plain, Progress.NONE)).isEmpty();
        }
    }

    @Test
    void anImageThatCannotBeReadIsAnObstacleAndNoError() throws Exception {
        Path unreadable = Files.createDirectory(directory.resolve("unreadable"));
        assertThat(new KeyedImages(keys).obstacle(unreadable).orElseThrow())
                .contains(unreadable + " cannot be read: ", "look at the file and its storage");
    }
}
