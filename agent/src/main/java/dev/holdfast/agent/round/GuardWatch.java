package dev.holdfast.agent.round;

import dev.holdfast.agent.snapshot.FreezeWatch;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The guard below the freezes of local snapshots. Thread-safe. */
public final class GuardWatch implements FreezeWatch {

    private static final Logger LOG = LoggerFactory.getLogger(GuardWatch.class);

    private final ThawNet net;
    private final Set<Name> quiesced = ConcurrentHashMap.newKeySet();
    private final Map<Name, Duration> deadlines = new ConcurrentHashMap<>();

    /** @param net the guard */
    public GuardWatch(ThawNet net) {
        this.net = net;
    }

    @Override
    public void arm(Name vm, String operation, Duration deadline) throws SnapshotException {
        try {
            net.arm(vm, operation, deadline, false);
            deadlines.put(vm, deadline);
        } catch (PhaseException e) {
            throw new SnapshotException(e.because(), e);
        }
    }

    @Override
    public String quiesce(Name vm, String operation, Quiesce wanted) throws SnapshotException {
        if (wanted == Quiesce.NO) {
            return "no";
        }
        try {
            net.quiesce(vm, operation, ThawNet.quiesceBound(deadlines.get(vm)));
            quiesced.add(vm);
            return "done";
        } catch (PhaseException e) {
            if (wanted == Quiesce.REQUIRE) {
                throw new SnapshotException(e.because(), e);
            }
            return "failed: " + e.because().text();
        }
    }

    @Override
    public void restored(Name vm, String operation, boolean runs) {
        try {
            if (runs) {
                int fileSystems = net.thawRestored(vm, operation + "/restored");
                LOG.info("{}: {} file system(s), frozen when it was captured, are thawed", vm, fileSystems);
            } else {
                net.markRestored(vm);
            }
        } catch (PhaseException e) {
            LOG.warn(
                    "{}: its file systems were frozen when it was captured and may still be: {}; if the guest hangs, run"
                            + " 'fsfreeze -u' in it, or restart it",
                    vm,
                    e.because().text());
        }
    }

    @Override
    public void disarm(Name vm, String operation) {
        try {
            if (quiesced.remove(vm)) {
                net.unquiesce(vm, operation);
            }
            net.disarm(vm, operation);
        } catch (PhaseException e) {
            LOG.warn("{}: {}", vm, e.because().text());
        }
    }
}
