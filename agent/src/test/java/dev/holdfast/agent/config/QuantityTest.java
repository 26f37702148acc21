package dev.holdfast.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {
    @ParameterizedTest
    @CsvSource({"250ms,250", "5s,5000", "10m,600000", "1h,3600000", "2 min,120000", "0ms,0"})
    void readsDurations(String text, long millis) {
        assertThat(Quantity.duration(text)).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @CsvSource({"4K,4096", "256M,268435456", "2G,2147483648", "256MiB,268435456", "1g,1073741824"})
    void readsSizes(String text, long bytes) {
        assertThat(Quantity.size(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "-5s", "5.5s", "5d", "5 s s", "99999999999999999999s", "999999999999999h"})
    void refusesWhatIsNoDuration(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Quantity.duration(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "256", "M", "-1M", "1.5G", "1X", "999999999999999T"})
    void refusesWhatIsNoSize(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Quantity.size(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"250ms", "0ms", "5s", "90s", "10m", "3h"})
    void writesDurationsAsTheyAreRead(String text) {
        assertThat(Quantity.text(Quantity.duration(text))).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"4K", "256M", "2G", "1536M", "8T"})
    void writesSizesAsTheyAreRead(String text) {
        assertThat(Quantity.text(Quantity.size(text))).isEqualTo(text);
    }

    @Test
    void suggestsOnlyWhatIsNear() {
        List<String> known = List.of("deadline", "drain_timeout", "port", "node");

        assertThat(Suggestion.forWord("deadlnie", known)).contains("deadline");
        assertThat(Suggestion.forWord("drain-timeout", known)).contains("drain_timeout");
        assertThat(Suggestion.forWord("prot", known)).contains("port");
        assertThat(Suggestion.forWord("banana", known)).isEmpty();
    }

    @Test
    void countsEdits() {
        assertThat(Suggestion.distance("", "abc")).isEqualTo(3);
        assertThat(Suggestion.distance("kitten", "sitting")).isEqualTo(3);
        assertThat(Suggestion.distance("ab", "ba")).isEqualTo(1);
    }
}
