package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.port.GroupChannel.ClockOffset;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ClocksTest {

    private static final Name N2 = new Name("n2");

    private final Clocks clocks = new Clocks();

    @Test
    void nothingIsKnownBeforeTheFirstExchange() {
        assertThat(clocks.offset(N2)).isEqualTo(new ClockOffset(0, -1));
    }

    @Test
    void quickestExchangeCounts() {
        clocks.note(N2, 1_000, 2_500, 2_000);
        clocks.note(N2, 5_000, 6_050, 5_100);
        clocks.note(N2, 9_000, 10_400, 9_800);
        assertThat(clocks.offset(N2)).isEqualTo(new ClockOffset(1_000, 50));
    }

    @Test
    void onlyTheLastEightCount() {
        clocks.note(N2, 0, 1_005, 10);
        for (int i = 1; i <= 8; i++) {
            clocks.note(N2, i * 10_000L, i * 10_000L + 1_100, i * 10_000L + 200);
        }
        assertThat(clocks.offset(N2)).isEqualTo(new ClockOffset(1_000, 100));
    }

    @Test
    void clockThatWasSetVoidsWhatWasMeasuredBefore() {
        clocks.note(N2, 0, 1_005, 10);
        clocks.note(N2, 10_000, 5_010_050, 10_100);
        assertThat(clocks.offset(N2)).isEqualTo(new ClockOffset(5_000_000, 50));
    }

    @Test
    void exchangeThatEndedBeforeItBeganOrTookTooLongIsIgnored() {
        clocks.note(N2, 1_000, 1_000, 900);
        clocks.note(N2, 0, 1_000, 11_000_000_000L);
        assertThat(clocks.offset(N2).errorNanos()).isEqualTo(-1);
    }

    @Test
    void nodeThatLeftIsForgotten() {
        clocks.note(N2, 0, 1_005, 10);
        clocks.forget(Set.of(N2));
        assertThat(clocks.offset(N2).errorNanos()).isEqualTo(-1);
    }
}
