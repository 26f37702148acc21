package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class WireTest {

    private static final GroupMessage FREEZE = new GroupMessage.Freeze(new RoundId("r1"), new Epoch(3), 0);
    private static final Wire.Ping PING = new Wire.Ping(42);
    private static final Wire.Pong PONG = new Wire.Pong(42, -43);

    @Test
    void whatIsWrittenIsRead() throws CodecException {
        assertThat(Wire.decode(Wire.encode(FREEZE))).isEqualTo(new Wire.Round(FREEZE));
        assertThat(Wire.decode(Wire.encode(PING))).isEqualTo(PING);
        assertThat(Wire.decode(Wire.encode(PONG))).isEqualTo(PONG);
    }

    @Test
    void shorterLongerAndOtherwiseVersionedIsRefused() {
        for (byte[] good : List.of(Wire.encode(FREEZE), Wire.encode(PING), Wire.encode(PONG))) {
            for (int length = 0; length <= good.length + 1; length++) {
                byte[] bytes = Arrays.copyOf(good, length);
                if (length != good.length) {
                    assertThatThrownBy(() -> Wire.decode(bytes)).isInstanceOf(CodecException.class);
                }
            }
            good[0] = 2;
            assertThatThrownBy(() -> Wire.decode(good)).isInstanceOf(CodecException.class);
        }
    }

    @Test
    void warmUpPasses() {
        Wire.warmUp();
    }
}
