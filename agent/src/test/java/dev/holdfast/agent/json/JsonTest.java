package dev.holdfast.agent.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    record Sample(
            Name vmName,
            Epoch epoch,
            Instant since,
            Duration limit,
            Path file,
            Optional<String> text,
            int count,
            SortedMap<Name, SortedSet<Name>> members) {}

    private static final Sample SAMPLE = new Sample(
            new Name("web"),
            new Epoch(7),
            Instant.parse("2026-11-21T10:00:00.123456789Z"),
            Duration.ofMillis(1500),
            Path.of("/srv/x"),
            Optional.empty(),
            3,
            new TreeMap<>(Map.of(new Name("n1"), new TreeSet<>(List.of(new Name("web"))))));

    @Test
    void valuesSurviveTheRoundTrip() throws Exception {
        assertThat(Json.read(Json.line(SAMPLE), Sample.class)).isEqualTo(SAMPLE);
        assertThat(JsonObject.of(SAMPLE).as(Sample.class)).isEqualTo(SAMPLE);
    }

    @Test
    void keysAreInSnakeCaseAndALineIsOneLine() {
        assertThat(Json.line(SAMPLE))
                .startsWith("{\"vm_name\":\"web\",\"epoch\":\"7\"")
                .contains("\"limit\":\"PT1.5S\"", "\"file\":\"/srv/x\"", "\"members\":{\"n1\":[\"web\"]}")
                .doesNotContain("\n");
    }

    @Test
    void yamlIsForPeople() {
        assertThat(Json.yaml(Map.of("vms", List.of("web", "db")))).isEqualTo("vms:\n- web\n- db\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "5",
                "{",
                "{}}",
                "{} {}",
                "{\"a\":1,\"a\":2}",
                "{\"a\":NaN}",
                "{'a':1}",
                "{\"a\":1,}",
                "{\"a\":01}",
                "// x\n{}",
                "\u0000"
            })
    void refusesWhatIsNotExactlyOneObject(String text) {
        assertThatThrownBy(() -> Json.object(text)).isInstanceOf(JsonException.class);
    }

    @Test
    void refusesDocumentsBeyondTheLimits() {
        String deep = "{\"a\":" + "[".repeat(65) + "]".repeat(65) + "}";
        String longText = "{\"a\":\"" + "x".repeat(Json.MAX_TEXT + 1) + "\"}";
        String longNumber = "{\"a\":" + "1".repeat(200) + "}";
        String longDocument = "{\"a\":1" + " ".repeat(Json.MAX_DOCUMENT) + "}";

        assertThat(List.of(deep, longText, longNumber, longDocument))
                .allSatisfy(text -> assertThatThrownBy(() -> Json.object(text)).isInstanceOf(JsonException.class));
    }

    @Test
    void errorsNameThePlaceAndNotTheDocument() {
        assertThatThrownBy(() -> Json.object("{\"secret\":\"hush\",\n \"b\": tru}"))
                .hasMessageContaining("line 2")
                .hasMessageNotContaining("hush");
    }

    @Test
    void unknownAndMissingPropertiesAreErrors() {
        assertThatThrownBy(() -> Json.read("{\"name\":\"a\",\"x\":1}", Pair.class))
                .isInstanceOf(JsonException.class);
        assertThatThrownBy(() -> Json.read("{\"name\":\"a\"}", Pair.class)).isInstanceOf(JsonException.class);
        assertThatThrownBy(() -> Json.read("{\"name\":\"../a\",\"count\":1}", Pair.class))
                .isInstanceOf(JsonException.class)
                .hasMessageContaining("not allowed");
        assertThatThrownBy(() -> Json.read("{\"name\":\"a\",\"count\":\"1\"}", Pair.class))
                .isInstanceOf(JsonException.class);
    }

    record Pair(Name name, int count) {}

    @Test
    void typedAccessNamesTheKeyAndTheKind() throws Exception {
        JsonObject object =
                Json.object("{\"t\":\"x\",\"n\":5,\"f\":true,\"o\":{\"k\":1},\"l\":[\"a\"],\"z\":null,\"d\":1.5}");

        assertThat(object.text("t")).contains("x");
        assertThat(object.number("n")).contains(5L);
        assertThat(object.flag("f")).contains(true);
        assertThat(object.object("o").orElseThrow().number("k")).contains(1L);
        assertThat(object.texts("l")).containsExactly("a");
        assertThat(object.text("z")).isEmpty();
        assertThat(object.text("absent")).isEmpty();
        assertThatThrownBy(() -> object.text("n")).hasMessage("\"n\" is a number, not a text");
        assertThatThrownBy(() -> object.number("d")).hasMessageContaining("not a whole number");
        assertThatThrownBy(() -> object.objects("l")).hasMessage("\"l\" has an element that is a text, not an object");
    }
}
