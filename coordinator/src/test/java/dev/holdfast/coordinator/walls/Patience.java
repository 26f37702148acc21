package dev.holdfast.coordinator.walls;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * What a test waits for without a bound of its own has a minute: bounds are for what hangs, and ten seconds pass on a machine that runs
 * all tests at once. JUnit finds this by itself, see {@code junit-platform.properties}.
 */
public final class Patience implements BeforeAllCallback {
    @Override
    public void beforeAll(ExtensionContext context) {
        Awaitility.setDefaultTimeout(Duration.ofMinutes(1));
    }
}
