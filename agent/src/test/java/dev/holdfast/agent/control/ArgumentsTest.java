package dev.holdfast.agent.control;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ArgumentsTest {
    private final Arguments arguments = new Arguments(JsonObject.of(Map.ofEntries(
            entry("name", "web"),
            entry("bad_name", "a/b"),
            entry("deadline", "1500ms"),
            entry("method", "disk-only"),
            entry("other_method", "DISK_ONLY"),
            entry("file", "/etc/./passwd"),
            entry("relative", "y"),
            entry("directory", "/etc"),
            entry("endless", "/dev/zero"),
            entry("missing", "/none"),
            entry("count", 5),
            entry("bell", "a\u0007b"))));

    @Test
    void valuesHaveTheirTypes() throws Exception {
        assertThat(arguments.name("name")).isEqualTo(new Name("web"));
        assertThat(arguments.duration("deadline")).contains(Duration.ofMillis(1500));
        assertThat(arguments.choice("method", CaptureMethod.class)).contains(CaptureMethod.DISK_ONLY);
        assertThat(arguments.choice("other_method", CaptureMethod.class)).contains(CaptureMethod.DISK_ONLY);
        assertThat(arguments.file("file")).contains(Path.of("/etc/passwd"));
        assertThat(arguments.number("count", 1, 9)).contains(5L);
        assertThat(arguments.flag("absent")).isFalse();
        assertThat(arguments.flag("absent", true)).isTrue();
        assertThat(arguments.optionalName("absent")).isEmpty();
    }

    @Test
    void wrongValuesAreBadRequestsThatNameTheArgument() {
        refused(() -> arguments.name("absent"), "\"absent\" is missing");
        refused(() -> arguments.name("bad_name"), "bad_name: the name \"a/b\" is not allowed");
        refused(() -> arguments.duration("name"), "name: \"web\" is not a duration");
        refused(() -> arguments.choice("name", CaptureMethod.class), "use one of auto, background");
        refused(() -> arguments.file("relative"), "is not absolute");
        refused(() -> arguments.file("directory"), "neither a file nor a block device");
        refused(() -> arguments.file("endless"), "neither a file nor a block device");
        refused(() -> arguments.file("missing"), "cannot be read");
        refused(() -> arguments.number("count", 6, 9), "is 5; use a number from 6 to 9");
        refused(() -> arguments.number("name", 6, 9), "is a text, not a number");
        refused(() -> arguments.flag("count"), "not true or false");
        refused(() -> arguments.text("bell"), "control characters");
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call)
                .isInstanceOf(ControlException.class)
                .hasMessageContaining(message)
                .extracting(e -> ((ControlException) e).code())
                .isEqualTo(ErrorCode.BAD_REQUEST);
    }
}
