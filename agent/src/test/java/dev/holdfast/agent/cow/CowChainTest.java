package dev.holdfast.agent.cow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.cow.CowFixture.Version;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with a chain is told with the file, the reason and what to do, and nothing is made of it. */
class CowChainTest {
    private static final int SIZE = 64 * 512;
    private static final byte[] SECTOR = "x".repeat(512).getBytes(StandardCharsets.US_ASCII);

    @TempDir
    private Path directory;

    private Path base;
    private Path cow;

    @BeforeEach
    void makeChain() throws IOException {
        base = CowFixture.changedAt(Files.write(directory.resolve("base"), new byte[SIZE]), 1_700_000_000);
        cow = make("cow", base);
    }

    private Path make(String name, Path backing) throws IOException {
        return CowFixture.cow(directory.resolve(name), Version.V3, backing, SIZE, new TreeMap<>(Map.of(3, SECTOR)));
    }

    @Test
    void aChainIsListedWithWhatIsInEachLayer() throws IOException {
        Path upper = CowFixture.cow(
                directory.resolve("upper"), Version.V2, cow, SIZE, new TreeMap<>(Map.of(3, SECTOR, 4, SECTOR)));
        try (CowChain chain = CowChain.open(List.of(upper), Optional.empty())) {
            chain.requireWhole();
            assertThat(CowReport.of(chain))
                    .isEqualTo(new CowReport(
                            SIZE,
                            List.of(
                                    new CowReport.Entry(
                                            upper.toString(), 2, cow.toString(), 4608 + SIZE, 1024, 1024, 1),
                                    new CowReport.Entry(cow.toString(), 3, base.toString(), 12288 + SIZE, 512, 0, 1),
                                    new CowReport.Entry(base.toString(), 0, "", SIZE, SIZE, SIZE - 1024, 0)),
                            ""));
        }
    }

    @Test
    void aNameThatNoFileCanHaveIsARefusal() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(cow.toFile(), "rw")) {
            file.seek(32);
            file.write(("/" + "x".repeat(300) + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        problem("the file below " + cow, "File name too long", "--base");
    }

    @Test
    void aBackingFileThatIsMissingIsNamed() throws IOException {
        Files.delete(base);
        problem("the file below " + cow, base + " is not there", "--base");
    }

    @Test
    void aBackingFileThatWasMovedCanBeNamed() throws IOException {
        Path moved = Files.move(base, directory.resolve("moved"));
        try (CowChain chain = CowChain.open(List.of(cow), Optional.of(moved))) {
            assertThat(chain.problem()).isEmpty();
        }
    }

    @Test
    void aBackingFileThatIsADirectoryOrAPipeIsRefused() throws IOException {
        Files.delete(base);
        Files.createDirectory(base);
        problem("the file below " + cow, "neither a file nor a block device", "--base");
    }

    @Test
    void aWrongSizeIsRefused() throws IOException {
        Files.write(base, new byte[SIZE - 1]);
        problem(cow + " belongs to a backing file of " + SIZE, base + " has " + (SIZE - 1), "name the right one");
        Path other = CowFixture.cow(directory.resolve("other"), Version.V3, cow, SIZE - 512, new TreeMap<>());
        assertThat(problemOf(other))
                .contains("belongs to a backing file of " + (SIZE - 512), cow + " has " + SIZE, "name the right one");
    }

    @Test
    void aWrongTimeIsRefusedWithTheCommandThatMendsIt() throws IOException {
        CowFixture.changedAt(base, 1_800_000_000);
        problem(cow + " belongs to", "1700000000", "touch -d @1700000000 " + base);
    }

    @Test
    void aLoopIsRefused() throws IOException {
        Path a = CowFixture.changedAt(Files.createFile(directory.resolve("a")), 1_700_000_000);
        Path b = CowFixture.changedAt(make("b", a), 1_700_000_000);
        CowFixture.changedAt(make("a", b), 1_700_000_000);
        cow = a;
        problem("the chain is a loop", "below " + b + " is " + a + " again", "name the files one by one");
    }

    @Test
    void aTruncatedBitmapAndTruncatedDataAreToldApart() throws IOException {
        try (FileChannel file = FileChannel.open(cow, StandardOpenOption.WRITE)) {
            file.truncate(12288 + SIZE - 1);
            problem(cow.toString(), "truncated inside its data", "restore it");
            file.truncate(8193);
            problem(cow.toString(), "truncated inside its bitmap", "restore it");
        }
    }

    /** uml_moo reads what happens to be behind the bitmap in memory. */
    @Test
    void sectorsWithoutABitAreRefused() throws IOException {
        Files.write(base, new byte[SIZE + 512]);
        cow = CowFixture.cow(directory.resolve("old"), Version.V1_LITTLE, base, SIZE + 512, new TreeMap<>());
        problem("the bitmap of " + cow, "its last 1 sectors", "from inside User-Mode Linux");
    }

    @Test
    void aCowFileOnTheBytesOfACowFileIsExplained() throws IOException {
        long length = Files.size(cow);
        Path wrong = CowFixture.cow(directory.resolve("wrong"), Version.V3, cow, length, new TreeMap<>());
        assertThatThrownBy(() -> {
                    try (CowChain chain = CowChain.open(List.of(wrong, cow), Optional.empty())) {
                        chain.requireWhole();
                    }
                })
                .isInstanceOf(CowException.class)
                .hasMessageContaining("as if it were a raw image");
    }

    /** Whoever can write to a raw image could otherwise have any file of the host put into the next merge. */
    @Test
    void aRawImageThatLooksLikeACowFileIsRaw() throws IOException {
        byte[] trap = CowFixture.header(Version.V3, "/etc/passwd", 1, 512);
        byte[] image = new byte[SIZE];
        System.arraycopy(trap, 0, image, 0, trap.length);
        CowFixture.changedAt(Files.write(base, image), 1_700_000_000);
        Path out = directory.resolve("out");
        try (CowChain chain = CowChain.open(List.of(cow), Optional.empty())) {
            CowMerge.merge(chain, out, CowMerge.Kind.FLAT, false);
        }
        byte[] merged = Files.readAllBytes(out);
        assertThat(merged).hasSize(SIZE).startsWith(Arrays.copyOf(trap, 3 * 512));
    }

    @Test
    void aFileThatUserModeLinuxHasOpenIsRefused() throws IOException, InterruptedException {
        // Locks of one process do not meet each other.
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        cow.toString())
                .start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("held");
            Path out = directory.resolve("out");
            try (CowChain chain = CowChain.open(List.of(cow), Optional.empty())) {
                assertThatThrownBy(() -> CowMerge.merge(chain, out, CowMerge.Kind.FLAT, false))
                        .isInstanceOf(CowException.class)
                        .hasMessageContaining(cow + " is in use");
            }
            assertThat(out).doesNotExist();
        } finally {
            holder.destroy();
            holder.waitFor();
        }
    }

    /** Holds a file as the ubd driver does until its input ends. */
    static final class Holder {
        public static void main(String[] arguments) throws IOException {
            try (FileChannel file =
                    FileChannel.open(Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                file.lock();
                System.out.println("held");
                System.in.read();
            }
        }
    }

    private void problem(String what, String why, String remedy) throws IOException {
        assertThat(problemOf(cow)).contains(what, why, remedy);
        Path out = directory.resolve("out");
        try (CowChain chain = CowChain.open(List.of(cow), Optional.empty())) {
            assertThatThrownBy(() -> CowMerge.merge(chain, out, CowMerge.Kind.COW, true))
                    .isInstanceOf(CowException.class);
        }
        assertThat(out).doesNotExist();
    }

    private static String problemOf(Path top) throws IOException {
        try (CowChain chain = CowChain.open(List.of(top), Optional.empty())) {
            return CowReport.of(chain).problem();
        }
    }
}
