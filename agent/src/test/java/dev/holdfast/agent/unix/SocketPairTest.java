package dev.holdfast.agent.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SocketPairTest {

    private static CompletableFuture<Integer> reading(SocketPair pair) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return pair.own().read(ByteBuffer.allocateDirect(100));
            } catch (IOException e) {
                return -2;
            }
        });
    }

    @Test
    void whatIsWrittenAtOneEndComesOutAtTheOther() throws Exception {
        try (SocketPair pair = SocketPair.open();
                FileOutputStream other = new FileOutputStream(pair.other())) {
            other.write(new byte[] {1, 2, 3});
            ByteBuffer come = ByteBuffer.allocate(10);
            assertThat(pair.own().read(come)).isEqualTo(3);
            assertThat(come.get(2)).isEqualTo((byte) 3);
        }
    }

    @Test
    void theEndComesWhenNobodyHasTheOtherEndAnyMore() throws Exception {
        try (SocketPair pair = SocketPair.open()) {
            pair.handedOver();
            assertThat(pair.own().read(ByteBuffer.allocate(10))).isEqualTo(-1);
        }
    }

    @Test
    void closingEndsAReadThatWaits() throws Exception {
        SocketPair pair = SocketPair.open();
        CompletableFuture<Integer> read = reading(pair);
        assertThat(read).isNotDone();
        pair.close();
        assertThat(read.get(10, TimeUnit.SECONDS)).isNegative();
        assertThatThrownBy(() -> pair.own().write(ByteBuffer.allocate(1))).isInstanceOf(IOException.class);
    }
}
