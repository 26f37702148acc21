package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What comes from a node sooner than the view it belongs to. */
class EarlyTest {

    private final AtomicInteger dropped = new AtomicInteger();
    private final List<String> heard = new ArrayList<>();
    private final Early<String> early = new Early<>(dropped::incrementAndGet);

    @Test
    void isHeardWithTheViewThatItsSenderBelongsTo() {
        assertThat(early.hold("new", () -> false)).isTrue();
        assertThat(early.hold("stranger", () -> false)).isTrue();
        assertThat(early.hold("newer", () -> false)).isTrue();
        early.release(Set.of("new", "newer")::contains, heard::add);
        assertThat(heard).containsExactly("new", "newer");
        assertThat(dropped).hasValue(1);
        early.release(message -> true, heard::add);
        assertThat(heard).hasSize(2);
    }

    @Test
    void isNotKeptIfTheViewHasComeMeanwhile() {
        assertThat(early.hold("new", () -> true)).isFalse();
        early.release(message -> true, heard::add);
        assertThat(heard).isEmpty();
    }

    @Test
    void isBounded() {
        for (int i = 0; i < 70; i++) {
            early.hold("m" + i, () -> false);
        }
        assertThat(dropped).hasValue(6);
        early.release(message -> true, heard::add);
        assertThat(heard).hasSize(64).startsWith("m6");
    }
}
