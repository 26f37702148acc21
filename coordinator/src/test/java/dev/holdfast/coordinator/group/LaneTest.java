package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class LaneTest {

    private static final byte[] MESSAGE = {1};

    @Test
    void keepsOrder() {
        List<Byte> seen = Collections.synchronizedList(new ArrayList<>());
        try (Lane lane = new Lane("test", 256, bytes -> seen.add(bytes[0]))) {
            for (byte i = 0; i < 50; i++) {
                lane.offer(new byte[] {i}, true);
            }
            await().until(() -> seen.size() == 50);
        }
        assertThat(seen).isSorted();
    }

    @Test
    void refusesWhenFullAndKeepsRoomForWhatIsUrgent() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        try (Lane lane = new Lane("test", 256, bytes -> waitFor(blocked, never))) {
            lane.offer(MESSAGE, true);
            blocked.await();
            int usual = 0;
            while (lane.offer(MESSAGE, false)) {
                usual++;
            }
            int urgent = 0;
            while (lane.offer(MESSAGE, true)) {
                urgent++;
            }
            assertThat(usual).isEqualTo(64);
            assertThat(urgent).isEqualTo(192);
        }
    }

    private static void waitFor(CountDownLatch reached, CountDownLatch until) {
        reached.countDown();
        try {
            until.await();
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }
}
