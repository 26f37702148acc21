package dev.holdfast.agent.pacemaker;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether pacemaker leaves the whole cluster alone: its property {@code maintenance-mode} (Pacemaker Explained, "Cluster
 * options"). Blocks for a few seconds at most. Thread-safe.
 */
public final class Maintenance {

    private static final Logger LOG = LoggerFactory.getLogger(Maintenance.class);
    private static final Duration BOUND = Duration.ofSeconds(5);
    private static final Set<String> YES = Set.of("true", "yes", "on", "1", "y");

    private final Path tool;

    /** @param tool pacemaker's {@code crm_attribute}; where it is absent there is no pacemaker */
    public Maintenance(Path tool) {
        this.tool = tool;
    }

    /** Why nothing shall happen by itself; empty if it may. A pacemaker that cannot be asked does not hold anything up. */
    public Optional<String> reason() {
        if (!Files.isExecutable(tool)) {
            return Optional.empty();
        }
        try {
            BoundedProcess.Ended answer = BoundedProcess.run(
                    List.of(
                            tool.toString(),
                            "--type",
                            "crm_config",
                            "--name",
                            "maintenance-mode",
                            "--query",
                            "--quiet",
                            "--default",
                            "false"),
                    BOUND);
            return answer.status() == 0 && YES.contains(answer.output().strip().toLowerCase(java.util.Locale.ROOT))
                    ? Optional.of("pacemaker's maintenance-mode is on")
                    : Optional.empty();
        } catch (IOException e) {
            LOG.info("pacemaker cannot be asked for its maintenance-mode: {}", e.getMessage());
            return Optional.empty();
        }
    }
}
