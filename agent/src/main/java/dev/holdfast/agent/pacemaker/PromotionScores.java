package dev.holdfast.agent.pacemaker;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells pacemaker the promotion scores of this node's replicated machines as soon as they change. The resource agent does the
 * same in its monitors ({@code ocf-wrapper/vm}), which come round less often; both read and write the same files in the machine's
 * run directory: {@code replica} (there while pacemaker has the instance started, with the resource's name in it),
 * {@code promotion-score} (as it is) and {@code promotion-told} (as pacemaker knows it; {@code refused} after a promotion that was
 * refused: then the next monitor tells it, so that pacemaker tries elsewhere first). Without pacemaker nothing happens. One
 * thread.
 */
public final class PromotionScores {

    private static final Logger LOG = LoggerFactory.getLogger(PromotionScores.class);
    private static final String REFUSED = "refused";
    private static final Duration BOUND = Duration.ofSeconds(5);

    private final Path tool;

    /** @param tool pacemaker's {@code crm_attribute} */
    public PromotionScores(Path tool) {
        this.tool = tool;
    }

    /**
     * Tells the score of one machine if it has changed.
     *
     * @param directory the machine's run directory
     */
    public void tell(Path directory) {
        if (!Files.isExecutable(tool)) {
            return;
        }
        try {
            String resource = line(directory.resolve("replica"));
            String score = line(directory.resolve("promotion-score"));
            Path known = directory.resolve("promotion-told");
            String told = line(known);
            if (resource.isEmpty() || score.equals(told) || told.equals(REFUSED) || !score.matches("(-?\\d{1,12})?")) {
                return;
            }
            // The resource agent tells it again if this ends in the middle.
            Files.deleteIfExists(known);
            List<String> what = score.isEmpty() ? List.of("--delete") : List.of("--update", score);
            BoundedProcess.Ended ended = BoundedProcess.run(command(resource, what), BOUND);
            if (ended.status() != 0) {
                LOG.info("pacemaker does not take the promotion score of {}: {}", resource, ended.output());
            } else if (!score.isEmpty()) {
                OwnFile.write(known, score + "\n");
            }
        } catch (IOException e) {
            LOG.info("the promotion score in {} is not told: {}", directory, e.getMessage());
        }
    }

    private List<String> command(String resource, List<String> what) {
        List<String> command = new java.util.ArrayList<>(List.of(tool.toString(), "--promotion=" + resource));
        command.addAll(what);
        command.add("--quiet");
        return command;
    }

    private static String line(Path file) throws IOException {
        try {
            return Files.readString(file).strip();
        } catch (NoSuchFileException e) {
            return "";
        }
    }
}
