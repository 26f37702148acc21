package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** How a QEMU is told to become another user: {@code -run-with user=} where it has that, {@code -runas} where it has not. */
final class BecomesUser {
    private static final int MAX_SECONDS = 10;

    private BecomesUser() {}

    /** Words for the command line, none if it stays what it is. Asks the program itself: it may have been replaced meanwhile. */
    static List<String> words(QemuSettings settings) throws HypervisorException {
        if (settings.user().isEmpty()) {
            return List.of();
        }
        String user = settings.user().get();
        return help(settings).lines().anyMatch(line -> line.startsWith("-run-with ") && line.contains("user="))
                ? List.of("-run-with", "user=" + user)
                : List.of("-runas", user);
    }

    private static String help(QemuSettings settings) throws HypervisorException {
        ProcessBuilder builder = new ProcessBuilder(settings.emulator(), "-help").redirectErrorStream(true);
        builder.environment().putAll(settings.environment());
        try {
            Process process = builder.start();
            String words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new HypervisorException(
                        Kind.REFUSED, settings.emulator() + " does not say what it can do: " + words.strip());
            }
            return words;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException(Kind.REFUSED, "asking " + settings.emulator() + " was interrupted", e);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "cannot run " + settings.emulator() + ": " + e.getMessage() + "; is QEMU installed?",
                    e);
        }
    }
}
