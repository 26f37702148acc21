package dev.holdfast.agent.replication;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.migration.SameMachine;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The other nodes of one replicated machine, over the group channel. Thread-safe. */
final class ReplicaPeers implements PeerCalls {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicaPeers.class);
    private static final Duration QUICK = Duration.ofSeconds(2);
    private static final Duration MAKING = Duration.ofSeconds(60);

    private final VmDefinition machine;
    private final EpochContent content;
    private final Supplier<Peers> peers;
    private final Disks disks;
    private final Executor aside;

    /** The sizes of the disks that a primary copies. */
    interface Disks {
        SortedMap<String, Long> sizes() throws IOException;
    }

    /** @param aside does what nobody waits for */
    ReplicaPeers(VmDefinition machine, EpochContent content, Supplier<Peers> peers, Disks disks, Executor aside) {
        this.machine = machine;
        this.content = content;
        this.peers = peers;
        this.disks = disks;
        this.aside = aside;
    }

    private JsonObject ask(Name node, Map<String, Object> words, Duration patience)
            throws IOException, InterruptedException {
        try {
            PeerRequest request = new PeerRequest(PeerRequest.Kind.REPLICATION, JsonObject.of(words));
            return peers.get().askWhenThere(node, request, patience, () -> false);
        } catch (RoundRefusedException e) {
            throw new IOException(e.because().text(), e);
        } catch (OutcomeUnknownException e) {
            throw new IOException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public boolean isReady(Name node) throws InterruptedException {
        try {
            Map<String, Object> words = ReplicaWords.question(ReplicaWords.Ask.READY, machine.name());
            return ask(node, words, QUICK).flag(ReplicaWords.READY).orElse(false);
        } catch (IOException e) {
            LOG.debug("{} is not ready for a copy of {}: {}", node, machine.name(), e.getMessage());
            return false;
        }
    }

    @Override
    public PeerLink.Opening offer(Copy copy, long generation) throws IOException, InterruptedException {
        Map<String, Object> words = ReplicaWords.question(ReplicaWords.Ask.OFFER, machine.name(), copy);
        words.put(ReplicaWords.GENERATION, generation);
        words.put(ReplicaWords.CONTENT, content.name());
        words.put(ReplicaWords.DISKS, disks.sizes());
        words.put(ReplicaWords.HARDWARE, SameMachine.hardware(machine));
        return PeerLink.Opening.read(ask(copy.node(), words, MAKING));
    }

    @Override
    public void tellVoid(Copy copy) {
        aside.execute(() -> {
            try {
                ask(copy.node(), ReplicaWords.question(ReplicaWords.Ask.VOID, machine.name(), copy), QUICK);
            } catch (IOException e) {
                LOG.info("{} was not told that it does not count any more: {}", copy, e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Has another node promoted. @throws IOException it was not, with the reason */
    void promote(Name node, Duration patience) throws IOException, InterruptedException {
        ask(node, ReplicaWords.question(ReplicaWords.Ask.PROMOTE, machine.name()), patience);
    }
}
