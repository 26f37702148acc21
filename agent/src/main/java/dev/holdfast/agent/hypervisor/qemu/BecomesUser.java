package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** How a QEMU is told to become another user: {@code -run-with user=} where it has that, {@code -runas} where it has not. */
final class BecomesUser {
    private static final Duration BOUND = Duration.ofSeconds(10);
    private static final int LONGEST = 1 << 20;
    private static final int MOST_WORDS = 500;

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
        List<String> command = new ArrayList<>(List.of("env"));
        settings.environment().forEach((name, value) -> command.add(name + "=" + value));
        command.addAll(List.of(settings.emulator(), "-help"));
        try {
            BoundedProcess.Ended help = BoundedProcess.run(command, BOUND, LONGEST);
            if (help.status() != 0) {
                String words = help.output();
                throw new HypervisorException(
                        Kind.REFUSED,
                        settings.emulator() + " does not say what it can do; is QEMU installed? It ended with status "
                                + help.status() + ": " + words.substring(0, Math.min(words.length(), MOST_WORDS)));
            }
            return help.output();
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED, "cannot ask " + settings.emulator() + " what it can do: " + e.getMessage(), e);
        }
    }
}
