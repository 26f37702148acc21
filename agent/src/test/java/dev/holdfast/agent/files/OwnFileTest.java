package dev.holdfast.agent.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody else was there first, and put a link where the agent, which is root, writes. */
final class OwnFileTest {
    private static final String PRECIOUS = "root:x:0:0";

    @TempDir
    private Path directory;

    private Path precious;
    private Path symbolic;
    private Path dangling;
    private Path hard;

    @BeforeEach
    void plant() throws IOException {
        precious = Files.writeString(directory.resolve("passwd"), PRECIOUS);
        symbolic = Files.createSymbolicLink(directory.resolve("symbolic"), precious);
        dangling = Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("planted"));
        hard = Files.createLink(directory.resolve("hard"), precious);
    }

    private void refused(ThrowingCallable call, String why) {
        assertThatThrownBy(call).isInstanceOf(IOException.class).hasMessageContaining(why);
        untouched();
    }

    private void untouched() {
        assertThat(precious).hasContent(PRECIOUS);
        assertThat(directory.resolve("planted")).doesNotExist();
    }

    @Test
    void whatIsMadeIsTheOwnersAlone() throws Exception {
        Path file = directory.resolve("new");
        OwnFile.create(file).close();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        OwnFile.write(file, "one");
        OwnFile.write(file, "two");
        assertThat(file).hasContent("two");
        OwnFile.prepare(file);
        OwnFile.open(file).close();
        assertThat(file).hasContent("two");
    }

    @Test
    void aPlantedLinkIsRefusedAndNothingIsWrittenThroughIt() throws Exception {
        refused(() -> OwnFile.create(symbolic), "is a symbolic link to " + precious);
        refused(() -> OwnFile.create(dangling), "is a symbolic link to");
        refused(() -> OwnFile.create(hard), "has 2 names");
        for (Path link : new Path[] {symbolic, dangling}) {
            refused(() -> OwnFile.open(link), "is a symbolic link to");
            refused(() -> OwnFile.prepare(link), "is a symbolic link to");
        }
        refused(() -> OwnFile.open(hard), "has 2 names, and is not written to");
        refused(() -> OwnFile.prepare(directory), "is no regular file");
    }

    @Test
    void whatIsReplacedLosesItsNameAndNotItsContent() throws Exception {
        for (Path link : new Path[] {symbolic, dangling, hard}) {
            OwnFile.write(link, "of the agent");
            untouched();
            assertThat(Files.isRegularFile(link, LinkOption.NOFOLLOW_LINKS)).isTrue();
            assertThat(link).hasContent("of the agent");
        }
    }

    @Test
    void aRecordIsNotWrittenThroughItsTemporaryName() throws Exception {
        Path record = directory.resolve("record");
        Files.createSymbolicLink(directory.resolve(".record.tmp"), precious);
        new DurableFile<>("test", 1, Map.class).write(record, Map.of("a", "b"));
        untouched();
        assertThat(Files.isRegularFile(record, LinkOption.NOFOLLOW_LINKS)).isTrue();
        new DurableFile<>("test", 1, Map.class).write(symbolic, Map.of("a", "b"));
        untouched();
    }

    @Test
    void noImageIsMadeThroughALink() {
        QemuImages images = new QemuImages("qemu-img");
        for (Path link : new Path[] {symbolic, dangling, hard}) {
            refused(() -> images.create(link, 1 << 20), "not written to");
            refused(() -> images.createOverlay(link, precious), "not written to");
            refused(() -> images.convert(precious, link), "not written to");
        }
    }

    @Test
    void aDirectoryThatOthersMayWriteToIsNotPrivate() throws Exception {
        OwnFile.requirePrivate(directory);
        OwnFile.requirePrivate(Path.of("/tmp"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwx---"));
        refused(() -> OwnFile.requirePrivate(directory), "chmod go-w " + directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setAttribute(directory, "unix:uid", 65534);
        refused(() -> OwnFile.requirePrivate(directory), "chown root " + directory);
    }
}
