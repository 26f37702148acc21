package dev.holdfast.agent.cow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.cow.CowFixture.Version;
import dev.holdfast.agent.cow.CowMerge.Kind;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Beside the real {@code uml_mkcow} and {@code uml_moo} (Debian package uml-utilities), byte for byte. */
class UmlUtilitiesTest {
    private static final int SECTOR = CowFixture.SECTOR;
    private static final int NAME = 32;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 100 * 4096, 2051 * 512, 1000})
    void anEmptyCowFileIsThatOfUmlMkcow(int size) throws IOException {
        Path base = Files.write(directory.resolve("base"), content(size, 1));
        Path theirs = directory.resolve("theirs");
        run("uml_mkcow", theirs.toString(), base.toString());

        Path ours = merged(theirs, "ours", Kind.COW);

        byte[] expected = Files.readAllBytes(theirs);
        // What is behind the name in theirs happened to be in memory.
        Arrays.fill(expected, NAME + base.toString().length(), NAME + 4096, (byte) 0);
        assertThat(Files.readAllBytes(ours)).isEqualTo(expected);
    }

    /** A file of version 1 from a host of the other byte order is misread by uml_moo. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "V1_BIG")
    void aFlatImageIsThatOfUmlMoo(Version version) throws IOException {
        int size = 2048 * SECTOR;
        Path base = Files.write(directory.resolve("base"), content(size, 2));
        Path cow = CowFixture.cow(directory.resolve("cow"), version, base, size, scattered(size));
        Path theirs = directory.resolve("theirs");
        run("uml_moo", cow.toString(), theirs.toString());

        assertThat(merged(cow, "ours", Kind.FLAT)).hasSameBinaryContentAs(theirs);
    }

    @Test
    void umlMooReadsWhatWasMerged() throws IOException {
        int size = 2051 * SECTOR;
        Path base = Files.write(directory.resolve("base"), content(size, 3));
        Path lower = CowFixture.cow(directory.resolve("lower"), Version.V3, base, size, scattered(size));
        Path upper = CowFixture.cow(directory.resolve("upper"), Version.V3, lower, size, scattered(size / 2));
        Path flat = merged(upper, "flat", Kind.FLAT);
        for (Kind kind : List.of(Kind.COW, Kind.COW_OF_SECTORS)) {
            Path cow = merged(upper, "merged", kind);
            Path theirs = directory.resolve("theirs");
            run("uml_moo", cow.toString(), theirs.toString());
            assertThat(theirs).hasSameBinaryContentAs(flat);
            Files.delete(cow);
            Files.delete(theirs);
        }
    }

    /** As uml_moo and the kernel have it: the lower file counts as a raw image, whatever it is. */
    @Test
    void aCowFileThatUmlMkcowPutOnAnotherHoldsThatFile() throws IOException {
        Path base = Files.write(directory.resolve("base"), content(4096, 4));
        Path lower = directory.resolve("lower");
        Path upper = directory.resolve("upper");
        run("uml_mkcow", lower.toString(), base.toString());
        run("uml_mkcow", upper.toString(), lower.toString());

        assertThat(merged(upper, "ours", Kind.FLAT)).hasSameBinaryContentAs(lower);
    }

    private Path merged(Path top, String name, Kind kind) throws IOException {
        Path out = directory.resolve(name);
        try (CowChain chain = CowChain.open(List.of(top), Optional.empty())) {
            CowMerge.merge(chain, out, kind, false);
        }
        return out;
    }

    private static byte[] content(int size, long seed) {
        byte[] content = new byte[size];
        new Random(seed).nextBytes(content);
        return content;
    }

    private static SortedMap<Integer, byte[]> scattered(int size) {
        SortedMap<Integer, byte[]> sectors = new TreeMap<>();
        Random random = new Random(size);
        for (int i = 0; i < 200; i++) {
            byte[] sector = content(SECTOR, i);
            sectors.put(random.nextInt(size / SECTOR), i % 5 == 0 ? new byte[SECTOR] : sector);
        }
        return sectors;
    }

    private static void run(String... command) throws IOException {
        BoundedProcess.Ended ended = BoundedProcess.run(List.of(command), Duration.ofMinutes(1));
        assertThat(ended.status())
                .as("%s: %s", String.join(" ", command), ended.output())
                .isZero();
    }
}
