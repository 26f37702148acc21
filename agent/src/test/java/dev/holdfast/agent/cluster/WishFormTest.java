package dev.holdfast.agent.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class WishFormTest {
    private static Wish wish(boolean degraded) {
        RoundOptions options = new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(61),
                        Duration.ofMillis(250),
                        RoundOptions.CaptureMethod.DISK_ONLY,
                        RoundOptions.Quiesce.TRY,
                        true,
                        "before the upgrade")
                .withDegraded(degraded);
        return new Wish(
                new RoundId("r1"),
                RoundKind.CHECKPOINT,
                new Name("shop"),
                new Name("c1"),
                options,
                Duration.ofSeconds(3));
    }

    @Test
    void whatIsWishedArrives() throws Exception {
        for (boolean degraded : new boolean[] {false, true}) {
            assertThat(WishForm.read(WishForm.write(wish(degraded)))).isEqualTo(wish(degraded));
        }
    }

    @Test
    void anOlderAgentAllowsNoDegradedStorage() throws Exception {
        Map<String, Object> form = new TreeMap<>();
        Wish wish = wish(true);
        form.put("id", "r1");
        form.put("kind", "CHECKPOINT");
        form.put("group", "shop");
        form.put("checkpoint", "c1");
        form.put("patience_ms", 3000L);
        form.put("deadline_ms", 5000L);
        form.put("prepare_timeout_ms", 60_000L);
        form.put("drain_timeout_ms", 61_000L);
        form.put("max_pause_ms", 250L);
        form.put("method", "DISK_ONLY");
        form.put("quiesce", "TRY");
        form.put("paused", true);
        form.put("description", wish.options().description());
        assertThat(WishForm.read(JsonObject.of(form))).isEqualTo(wish(false));
    }
}
