package dev.holdfast.agent.pacemaker;

import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.replication.Fencing;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Proof;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Proofs from pacemaker's cluster information base, as this node has it now. Blocks for a few seconds at most, and usually for some
 * 20 ms. Thread-safe.
 */
public final class PacemakerFencing implements Fencing {

    private static final Logger LOG = LoggerFactory.getLogger(PacemakerFencing.class);
    private static final Duration BOUND = Duration.ofSeconds(5);
    private static final int LONGEST = 64 << 20;

    /** Pacemaker promotes when the fencing is done, which may be a moment before this node's copy says so. */
    private static final Duration SOON = Duration.ofSeconds(2);

    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Path tool;
    private final LongSupplier nanoClock;

    /**
     * @param tool pacemaker's {@code cibadmin}; where it is absent there is no pacemaker, and so no fencing
     * @param nanoClock the monotonic clock
     */
    public PacemakerFencing(Path tool, LongSupplier nanoClock) {
        this.tool = tool;
        this.nanoClock = nanoClock;
    }

    @Override
    public Proof proof(Name node) {
        if (!Files.isExecutable(tool)) {
            return new Proof.NoFencing();
        }
        try {
            long until = nanoClock.getAsLong() + SOON.toNanos();
            ClusterInformation known = ask();
            while (known.mayBeProvenSoon(node) && until - nanoClock.getAsLong() > 0) {
                LockSupport.parkNanos(PAUSE.toNanos());
                known = ask();
            }
            LOG.info("pacemaker says of node {}: {}", node, known.describe(node));
            return known.proof(node);
        } catch (IOException e) {
            LOG.warn("pacemaker cannot say whether node {} is gone, so nothing is proven: {}", node, e.getMessage());
            return new Proof.Missing();
        }
    }

    private ClusterInformation ask() throws IOException {
        BoundedProcess.Ended answer = BoundedProcess.run(List.of(tool.toString(), "--query"), BOUND, LONGEST);
        if (answer.status() != 0) {
            throw new IOException(tool.getFileName() + " ended with " + answer.status() + ": " + answer.output());
        }
        return ClusterInformation.parse(answer.output());
    }
}
