package dev.holdfast.agent.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.holdfast.coordinator.port.ImageKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryKeyTest {
    @TempDir
    private Path directory;

    @Test
    void base64AndHexadecimalDigitsAreTheSameKey() throws Exception {
        byte[] bytes = KeyFiles.bytes(1);
        String base64 = Base64.getEncoder().encodeToString(bytes);
        String hex = HexFormat.of().formatHex(bytes);
        String id =
                MemoryKey.read(KeyFiles.write(directory.resolve("k"), base64)).id();
        assertThat(id).matches("[0-9a-f]{16}");
        for (String text : new String[] {base64 + "\n", " " + hex + "\n", hex.toUpperCase(java.util.Locale.ROOT)}) {
            assertThat(MemoryKey.read(KeyFiles.write(directory.resolve("k"), text))
                            .id())
                    .isEqualTo(id);
        }
        assertThat(MemoryKey.read(KeyFiles.write(directory.resolve("k"), 2)).id())
                .isNotEqualTo(id);
    }

    @Test
    void nodesTellEachOtherWhoseImagesTheyCanRead() throws Exception {
        Path first = KeyFiles.write(directory.resolve("1"), 1);
        Path second = KeyFiles.write(directory.resolve("2"), 2);
        ImageKeys old = MemoryKeys.read(Optional.of(first), List.of()).told();
        ImageKeys changed = MemoryKeys.read(Optional.of(second), List.of(first)).told();
        ImageKeys ended = MemoryKeys.read(Optional.empty(), List.of(second)).told();
        assertThat(changed.reads(old)).isTrue();
        assertThat(changed.reads(ended)).isTrue();
        assertThat(ended.reads(changed)).isTrue();
        assertThat(old.reads(changed)).isFalse();
        assertThat(ImageKeys.NONE.reads(old)).isFalse();
        assertThat(MemoryKeys.NONE.told()).isEqualTo(ImageKeys.NONE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\n",
                "a passphrase of which somebody thinks that it is a key",
                "AAAA",
                "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MA==",
                "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy",
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"
            })
    void whatIsNoKeyIsRefusedWithoutBeingSaid(String text) throws Exception {
        Path file = KeyFiles.write(directory.resolve("memory.key"), text);
        assertThatThrownBy(() -> MemoryKey.read(file))
                .hasMessageContaining("the key for memory images, " + file)
                .hasMessageContaining("head -c 32 /dev/urandom | base64")
                .satisfies(e -> {
                    if (!text.isBlank()) {
                        assertThat(e).hasMessageNotContaining(text.strip());
                    }
                });
    }

    @Test
    void aLongFileIsNotReadAtAll() throws Exception {
        Path file = KeyFiles.write(directory.resolve("memory.key"), "A".repeat(1 << 20));
        assertThatThrownBy(() -> MemoryKey.read(file)).hasMessageContaining("32 random bytes");
    }

    @ParameterizedTest
    @CsvSource({"rw-r-----, read", "rw----r--, read", "rw--w----, written", "rw-rw-rw-, read"})
    void aKeyThatIsOpenToOthersIsRefused(String mode, String can) throws Exception {
        Path file = KeyFiles.write(directory.resolve("memory.key"), 1);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        assertThatThrownBy(() -> MemoryKey.read(file))
                .hasMessage("the key for memory images %s can be %s by others than its owner: chmod 0600 %s"
                        .formatted(file, can, file));
    }

    @Test
    void aKeyOfAnotherUserIsRefused() throws Exception {
        Path file = KeyFiles.write(directory.resolve("memory.key"), 1);
        assumeThat(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))
                .as("only root gives files away")
                .isEqualTo(0);
        Files.setAttribute(file, "unix:uid", 12_345);
        assertThatThrownBy(() -> MemoryKey.read(file)).hasMessageContaining("belongs to user 12345");
    }

    @Test
    void whoMayOnlyExecuteAKeyCannotReadIt() throws Exception {
        Path file = KeyFiles.write(directory.resolve("memory.key"), 1);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw---x---"));
        assertThat(MemoryKey.read(file).id()).isNotEmpty();
    }

    @Test
    void keysDoNotShowThemselves() throws Exception {
        Path file = KeyFiles.write(directory.resolve("memory.key"), 1);
        MemoryKey key = MemoryKey.read(file);
        assertThat(key).hasToString("MemoryKey[" + key.id() + "]");
        assertThat(KeyFiles.keys(file, 1)).hasToString("MemoryKeys[" + key.id() + "]");
        assertThat(HexFormat.of().formatHex(KeyFiles.bytes(1))).doesNotContain(key.id());
    }

    @Test
    void anOldKeyThatCannotBeReadIsLeftOutWithAWarningAndTheOthersAreThere() throws Exception {
        Path current = KeyFiles.write(directory.resolve("memory.key"), 1);
        Path missing = directory.resolve("missing.key");
        Path bad = KeyFiles.write(directory.resolve("bad.key"), "no key");
        Path old = KeyFiles.write(directory.resolve("old.key"), 2);
        List<String> warnings = new CopyOnWriteArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                warnings.add(new SimpleFormatter().formatMessage(line));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger log = Logger.getLogger(MemoryKeys.class.getName());
        log.addHandler(handler);
        MemoryKeys keys;
        try {
            keys = MemoryKeys.read(Optional.of(current), List.of(missing, bad, old));
        } finally {
            log.removeHandler(handler);
        }
        String first = MemoryKey.read(current).id();
        String second = MemoryKey.read(old).id();
        assertThat(keys.writing().orElseThrow().id()).isEqualTo(first);
        assertThat(keys.find(first)).isPresent();
        assertThat(keys.find(second)).isPresent();
        assertThat(warnings)
                .satisfiesExactly(
                        warning -> assertThat(warning).contains("encrypted with " + missing, "put the file right"),
                        warning -> assertThat(warning).contains("encrypted with " + bad, "32 random bytes"));
        assertThatThrownBy(() -> MemoryKeys.read(Optional.of(missing), List.of()))
                .hasMessageContaining("missing.key");
    }
}
