package dev.holdfast.agent.cow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.cow.CowFixture.Version;
import dev.holdfast.agent.cow.CowMerge.Kind;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is merged is what a plain array would have become. */
class CowMergeTest {
    private static final int SECTOR = CowFixture.SECTOR;

    @TempDir
    private Path directory;

    /** Layers of all versions, with sectors here and there, some of them zero, and devices of all remainders. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24})
    void mergesAsAPlainArrayWould(long seed) throws IOException {
        Random random = new Random(seed);
        int size = random.nextInt(120) * 4096 + (random.nextBoolean() ? 0 : random.nextInt(4096));
        byte[] device = new byte[size];
        for (int i = 0; i < size / SECTOR; i++) {
            Arrays.fill(device, i * SECTOR, (i + 1) * SECTOR, (byte) (random.nextInt(4) == 0 ? 0 : 1 + i % 100));
        }
        Path below = Files.write(directory.resolve("base"), device);
        byte[] base = device.clone();
        BitSet written = new BitSet();
        int depth = 1 + random.nextInt(5);
        for (int i = 0; i < depth; i++) {
            SortedMap<Integer, byte[]> sectors = sectors(random, size);
            sectors.forEach((sector, content) -> {
                int at = sector * SECTOR;
                System.arraycopy(content, 0, device, at, Math.min(SECTOR, size - at));
                written.set(sector);
            });
            Version version = version(random, size);
            below = CowFixture.cow(directory.resolve("cow" + i), version, below, size, sectors);
        }

        Path flat = merged(below, "flat", Kind.FLAT);
        Path exact = merged(below, "exact", Kind.COW_OF_SECTORS);
        Path cow = merged(below, "cow", Kind.COW);

        assertThat(Files.readAllBytes(flat)).isEqualTo(device);
        BitSet groups = new BitSet();
        written.stream().forEach(i -> groups.set(i & ~7, Math.min((i & ~7) + 8, (size + SECTOR - 1) / SECTOR)));
        assertThat(content(exact, base, written)).isEqualTo(device);
        assertThat(content(cow, base, groups)).isEqualTo(device);
        assertThat(Files.readAllBytes(merged(exact, "again", Kind.FLAT))).isEqualTo(device);
        assertThat(Files.readAllBytes(merged(cow, "third", Kind.FLAT))).isEqualTo(device);
        assertThat(mixed(cow)).isZero();
    }

    private static SortedMap<Integer, byte[]> sectors(Random random, int size) {
        SortedMap<Integer, byte[]> sectors = new TreeMap<>();
        int count = (size + SECTOR - 1) / SECTOR;
        for (int runs = count == 0 ? 0 : random.nextInt(30); runs > 0; runs--) {
            int first = random.nextInt(count);
            int last = Math.min(count, first + 1 + random.nextInt(20));
            byte value = (byte) (random.nextInt(3) == 0 ? 0 : 100 + random.nextInt(100));
            for (int i = first; i < last; i++) {
                byte[] content = new byte[SECTOR];
                Arrays.fill(content, value);
                sectors.put(i, content);
            }
        }
        return sectors;
    }

    /** Versions 1 and 2 have no bit for the last sectors of some devices. */
    private static Version version(Random random, int size) {
        Version[] versions = Version.values();
        Version version = versions[random.nextInt(versions.length)];
        return version.rounds() || (size + SECTOR - 1) / SECTOR % 8 == 0 ? version : Version.V3;
    }

    /** The device in a COW file of version 3, read the naive way; its bits must be these. */
    private static byte[] content(Path cow, byte[] base, BitSet bits) throws IOException {
        byte[] file = Files.readAllBytes(cow);
        int count = (base.length + SECTOR - 1) / SECTOR;
        int bitmap = (count + 7) / 8;
        int data = (8192 + bitmap + 4095) / 4096 * 4096;
        assertThat(file).hasSize(data + base.length);
        assertThat(BitSet.valueOf(Arrays.copyOfRange(file, 8192, data))).isEqualTo(bits);
        byte[] device = base.clone();
        bits.stream().forEach(i -> {
            int at = i * SECTOR;
            System.arraycopy(file, data + at, device, at, Math.min(SECTOR, base.length - at));
        });
        return device;
    }

    private static long mixed(Path cow) throws IOException {
        try (CowChain chain = CowChain.open(List.of(cow), Optional.empty())) {
            return CowReport.of(chain).layers().get(0).mixedGroups();
        }
    }

    private Path merged(Path top, String name, Kind kind) throws IOException {
        Path out = directory.resolve(name);
        merge(top, out, kind, false);
        return out;
    }

    private static CowMerge.Outcome merge(Path top, Path out, Kind kind, boolean replaces) throws IOException {
        try (CowChain chain = CowChain.open(List.of(top), Optional.empty())) {
            return CowMerge.merge(chain, out, kind, replaces);
        }
    }

    @Test
    void nothingIsReplacedUnlessAsked() throws IOException {
        Path base = Files.write(directory.resolve("base"), new byte[8192]);
        Path cow = CowFixture.cow(directory.resolve("cow"), Version.V3, base, 8192, sectorOne());
        Files.setPosixFilePermissions(cow, PosixFilePermissions.fromString("rw-r-----"));
        Path out = Files.writeString(directory.resolve("out"), "dear");

        assertThatThrownBy(() -> merge(cow, out, Kind.FLAT, false))
                .isInstanceOf(CowException.class)
                .hasMessageContaining(out + " is there already")
                .hasMessageContaining("--force");
        assertThat(out).hasContent("dear");

        Path link = Files.createSymbolicLink(directory.resolve("link"), out);
        assertThat(merge(cow, link, Kind.FLAT, true)).isEqualTo(new CowMerge.Outcome(8192, 0));
        assertThat(link).isSymbolicLink();
        assertThat(Files.size(out)).isEqualTo(8192);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(out)))
                .isEqualTo("rw-r-----");
        assertThatThrownBy(() -> merge(cow, directory, Kind.FLAT, true)).hasMessageContaining("no regular file");
        assertThatThrownBy(() -> merge(cow, directory.resolve("no/out"), Kind.FLAT, true))
                .hasMessageContaining("make it first");
        onlyTheseAreThere("base", "cow", "link", "out");
    }

    @Test
    void aChainIsReplacedByWhatItIsMergedInto() throws IOException {
        Path base = Files.write(directory.resolve("base"), new byte[8192]);
        Path lower = CowFixture.cow(directory.resolve("lower"), Version.V3, base, 8192, sectorOne());
        Path upper = CowFixture.cow(directory.resolve("upper"), Version.V3, lower, 8192, new TreeMap<>());

        assertThat(merge(upper, upper, Kind.COW, true)).isEqualTo(new CowMerge.Outcome(4096, 3584));
        Files.delete(lower);
        merge(upper, base, Kind.FLAT, true);

        byte[] expected = new byte[8192];
        Arrays.fill(expected, SECTOR, 2 * SECTOR, (byte) 7);
        assertThat(Files.readAllBytes(base)).isEqualTo(expected);
        onlyTheseAreThere("base", "upper");
    }

    @Test
    void aFileThatChangesMeanwhileMakesNothing() throws IOException {
        Path base = Files.write(directory.resolve("base"), new byte[8192]);
        Path cow = CowFixture.cow(directory.resolve("cow"), Version.V3, base, 8192, sectorOne());
        try (CowChain chain = CowChain.open(List.of(cow), Optional.empty())) {
            CowFixture.changedAt(base, 5);
            assertThatThrownBy(() -> CowMerge.merge(chain, directory.resolve("out"), Kind.FLAT, false))
                    .isInstanceOf(CowException.class)
                    .hasMessageContaining(base + " was changed while it was read");
        }
        onlyTheseAreThere("base", "cow");
    }

    /** A tebibyte with a few data, and 64 GiB that the guest has discarded: holes that hide the base. */
    @Test
    @Timeout(300)
    void timeGoesWithTheDataAndNotWithTheDevice() throws IOException {
        long size = 1L << 40;
        long data = 8192 + size / SECTOR / 8;
        Path base = directory.resolve("base, or the like");
        try (RandomAccessFile file = new RandomAccessFile(base.toFile(), "rw")) {
            file.setLength(size);
            for (long at : List.of(0L, 1L << 35, size - 5)) {
                file.seek(at);
                file.writeBytes("base");
            }
        }
        Path cow = CowFixture.cow(directory.resolve("cow"), Version.V3, base, 512, new TreeMap<>());
        try (RandomAccessFile file = new RandomAccessFile(cow.toFile(), "rw")) {
            file.seek(12);
            file.writeLong(size);
            file.seek(8192);
            byte[] discarded = new byte[16 << 20];
            Arrays.fill(discarded, (byte) 0xff);
            file.write(discarded);
            file.seek(data + (1L << 36) - 512);
            file.writeBytes("cow!");
            file.setLength(data + size);
        }

        for (Kind kind : Kind.values()) {
            Path out = merged(cow, kind.name(), kind);
            long start = kind == Kind.FLAT ? 0 : data;
            try (RandomAccessFile file = new RandomAccessFile(out.toFile(), "r")) {
                assertThat(file.length()).isEqualTo(start + size);
                assertThat(word(file, start + (1L << 36) - 512)).isEqualTo("cow!");
                assertThat(word(file, start + (1L << 35))).isEqualTo("\0\0\0\0");
                assertThat(word(file, start + size - 5)).isEqualTo(kind == Kind.FLAT ? "base" : "\0\0\0\0");
            }
            assertThat(blocks(out)).as("blocks of 512 bytes that %s has", out).isLessThan(40_000);
        }
    }

    private static String word(RandomAccessFile file, long at) throws IOException {
        byte[] word = new byte[4];
        file.seek(at);
        file.readFully(word);
        return new String(word, StandardCharsets.US_ASCII);
    }

    private static long blocks(Path file) throws IOException {
        return Long.parseLong(BoundedProcess.run(List.of("stat", "-c", "%b", file.toString()), Duration.ofMinutes(1))
                .output());
    }

    private static SortedMap<Integer, byte[]> sectorOne() {
        byte[] content = new byte[SECTOR];
        Arrays.fill(content, (byte) 7);
        return new TreeMap<>(Map.of(1, content));
    }

    private void onlyTheseAreThere(String... names) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            List<String> found = new ArrayList<>(
                    files.map(file -> file.getFileName().toString()).toList());
            assertThat(found).containsExactlyInAnyOrder(names);
        }
    }
}
