package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SealBoxTest {

    private static final String SECRET = "0123456789abcdef";
    private static final byte[] TEXT = "FREEZE".getBytes(StandardCharsets.US_ASCII);

    private static SealBox box(String secret, String cluster, int salt) {
        byte[] bytes = new byte[16];
        bytes[0] = (byte) salt;
        return new SealBox(ChannelKey.of(secret, cluster), bytes);
    }

    private static byte[] seal(SealBox box) {
        return box.seal(TEXT, 0, TEXT.length);
    }

    @Test
    void whatOneNodeSealsAnotherOpens() {
        SealBox other = box(SECRET, "lab", 2);
        for (int i = 0; i < 3; i++) {
            byte[] sealed = seal(box(SECRET, "lab", 1));
            assertThat(other.open(sealed, 0, sealed.length)).contains(TEXT);
        }
    }

    @Test
    void anotherSecretOrClusterOpensNothing() {
        byte[] sealed = seal(box(SECRET, "lab", 1));
        assertThat(box("0123456789abcdeg", "lab", 1).open(sealed, 0, sealed.length))
                .isEmpty();
        assertThat(box(SECRET, "other", 1).open(sealed, 0, sealed.length)).isEmpty();
    }

    @Test
    void everyAlteredBitIsNoticed() {
        byte[] sealed = seal(box(SECRET, "lab", 1));
        SealBox other = box(SECRET, "lab", 2);
        for (int bit = 0; bit < sealed.length * 8; bit++) {
            byte[] altered = sealed.clone();
            altered[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(other.open(altered, 0, altered.length)).as("bit %d", bit).isEmpty();
        }
    }

    @Test
    void equalContentNeverLooksEqual() {
        SealBox box = box(SECRET, "lab", 1);
        assertThat(seal(box)).isNotEqualTo(seal(box));
    }

    @Test
    void noiseOfAnyLengthIsRefused() {
        SealBox box = box(SECRET, "lab", 1);
        Random random = new Random(7);
        for (int i = 0; i < 2_000; i++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            if (noise.length > 0) {
                noise[0] = 1;
            }
            assertThat(box.open(noise, 0, noise.length)).isEmpty();
        }
    }
}
