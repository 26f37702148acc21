package dev.holdfast.coordinator.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageCodecTest {

    private static final long SEED = 20_261_121L;
    private static final RoundId ROUND = new RoundId("r-20261121T024500-7f3a");
    private static final Epoch EPOCH = new Epoch(42);
    private static final Name N1 = new Name("n1");

    static List<GroupMessage> samples() {
        return List.of(
                new GroupMessage.Freeze(ROUND, EPOCH, 1_700_000_000_000_000_000L),
                new GroupMessage.Frozen(ROUND, EPOCH, N1),
                new GroupMessage.VoidRound(
                        ROUND, EPOCH, N1, Refusal.timedOut("QEMU of \"web\" did not stop within 5 s \u2013 see log")),
                new GroupMessage.Progress(ROUND, EPOCH, N1, "draining", 17, 256));
    }

    private static String key(GroupMessage message) {
        return message.match(freeze -> "freeze", frozen -> "frozen", voided -> "void", progress -> "progress");
    }

    @ParameterizedTest
    @MethodSource("samples")
    void whatIsWrittenIsRead(GroupMessage message) throws CodecException {
        assertThat(MessageCodec.decode(MessageCodec.encode(message))).isEqualTo(message);
    }

    @Test
    void formIsThatOfTheGoldenFile() {
        Map<String, String> written = new TreeMap<>();
        samples().forEach(message -> written.put(key(message), HexFormat.of().formatHex(MessageCodec.encode(message))));
        assertThat(written).isEqualTo(golden());
    }

    private static Map<String, String> golden() {
        try (InputStream in = MessageCodecTest.class.getResourceAsStream("/codec/messages.hex")) {
            assertThat(in).as("golden file /codec/messages.hex").isNotNull();
            Map<String, String> lines = new TreeMap<>();
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .forEach(line -> lines.put(line.split(" ")[0], line.split(" ")[1]));
            return lines;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    @ParameterizedTest
    @MethodSource("samples")
    void everyPrefixIsRefused(GroupMessage message) {
        byte[] bytes = MessageCodec.encode(message);
        for (int length = 0; length < bytes.length; length++) {
            byte[] prefix = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> MessageCodec.decode(prefix)).isInstanceOf(CodecException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("samples")
    void trailingByteIsRefused(GroupMessage message) {
        byte[] bytes = MessageCodec.encode(message);
        assertThatThrownBy(() -> MessageCodec.decode(Arrays.copyOf(bytes, bytes.length + 1)))
                .isInstanceOf(CodecException.class)
                .hasMessageContaining("follow");
    }

    @Test
    void unknownVersionKindAndOversizeAreRefused() {
        byte[] bytes = MessageCodec.encode(samples().get(0));
        byte[] version = bytes.clone();
        version[0] = 2;
        byte[] kind = bytes.clone();
        kind[1] = 9;
        assertThatThrownBy(() -> MessageCodec.decode(version)).hasMessageContaining("version 2");
        assertThatThrownBy(() -> MessageCodec.decode(kind)).hasMessageContaining("kind 9");
        assertThatThrownBy(() -> MessageCodec.decode(new byte[MessageCodec.MAX_BYTES + 1]))
                .isInstanceOf(CodecException.class)
                .hasMessageContaining("at most");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../etc/passwd", "a..b", "", "-x", "a b"})
    void nameThatWouldBeAPathIsRefused(String name) {
        byte[] good = MessageCodec.encode(new GroupMessage.Frozen(ROUND, EPOCH, N1));
        byte[] text = name.getBytes(StandardCharsets.US_ASCII);
        byte[] bad = Arrays.copyOf(good, good.length - 3 + 1 + text.length);
        bad[good.length - 3] = (byte) text.length;
        System.arraycopy(text, 0, bad, good.length - 2, text.length);
        assertThatThrownBy(() -> MessageCodec.decode(bad)).isInstanceOf(CodecException.class);
    }

    @Test
    void reasonOfAnyLengthAndContentTravels() throws CodecException {
        String because = "\u001b[2J\n\0" + "\u20ac".repeat(100_000) + "\ud83d";
        byte[] bytes = MessageCodec.encode(new GroupMessage.VoidRound(ROUND, EPOCH, N1, Refusal.failed(because)));
        assertThat(bytes).hasSizeLessThanOrEqualTo(MessageCodec.MAX_BYTES);
        GroupMessage.VoidRound read = (GroupMessage.VoidRound) MessageCodec.decode(bytes);
        assertThat(read.because().text())
                .hasSize(MessageCodec.MAX_BECAUSE_CHARS)
                .startsWith(" [2J  \u20ac");
    }

    @Test
    void anyBytesAreAMessageOrARefusal() {
        RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(SEED);
        List<byte[]> good = samples().stream().map(MessageCodec::encode).toList();
        int accepted = 0;
        for (int i = 0; i < 100_000; i++) {
            byte[] input = i % 3 == 0 ? noise(random) : damaged(good.get(random.nextInt(good.size())), random);
            try {
                GroupMessage message = MessageCodec.decode(input);
                assertThat(MessageCodec.encode(message)).isEqualTo(input);
                accepted++;
            } catch (CodecException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            }
        }
        assertThat(accepted).as("accepted, seed %d", SEED).isBetween(1, 99_999);
    }

    private static byte[] noise(RandomGenerator random) {
        byte[] bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] damaged(byte[] good, RandomGenerator random) {
        byte[] bytes = good.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return random.nextInt(4) == 0 ? Arrays.copyOf(bytes, random.nextInt(2 * bytes.length)) : bytes;
    }
}
