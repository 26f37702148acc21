package dev.holdfast.agent.node;

import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.port.UnreadableDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the cluster what runs here, whenever it has changed. {@link #publish} is called by one thread at a time. */
public final class NodePublisher {

    private static final Logger LOG = LoggerFactory.getLogger(NodePublisher.class);

    private final Function<SortedMap<Name, String>, NodeRegistry.Node> self;
    private final VmRegistry vms;
    private final NodeRegistry nodes;
    private final Catalogue catalogue;
    private NodeRegistry.@Nullable Node last;
    private boolean groupsAreKnown;
    private boolean reachable = true;

    /**
     * @param self what this node tells of itself, given the states of its machines
     * @param vms its machines
     * @param nodes where to tell
     * @param catalogue where groups are kept
     */
    public NodePublisher(
            Function<SortedMap<Name, String>, NodeRegistry.Node> self,
            VmRegistry vms,
            NodeRegistry nodes,
            Catalogue catalogue) {
        this.self = self;
        this.vms = vms;
        this.nodes = nodes;
        this.catalogue = catalogue;
    }

    /** What the cluster shall know of definitions that this node cannot read. */
    public static List<UnreadableDefinition> unreadable(VmRegistry vms) {
        return vms.unreadable().files().stream()
                .map(file -> new UnreadableDefinition(
                        file.file().toString(), file.vm(), file.groups(), file.anyGroup(), file.because()))
                .toList();
    }

    /** Publishes what is new, unless a round is about to freeze a machine of this node or has: no write falls into a freeze. */
    public void publishInPassing() {
        publish(vms::isAnyHeldStill);
    }

    /** Publishes what is new. Blocks for the store's time-out; never throws for want of a store. */
    public void publish() {
        publish(() -> false);
    }

    /** @param later whether it is to wait, which may become so while machines are asked */
    private synchronized void publish(BooleanSupplier later) {
        if (later.getAsBoolean()) {
            return;
        }
        NodeRegistry.Node now = self.apply(vms.states());
        if (later.getAsBoolean()) {
            return;
        }
        try {
            if (!now.equals(last)) {
                nodes.publish(now);
                last = now;
            }
            if (!groupsAreKnown) {
                joinGroups();
                groupsAreKnown = true;
            }
            if (!reachable) {
                LOG.info("the store of decisions answers again");
            }
            reachable = true;
        } catch (StoreUnreachableException e) {
            if (reachable) {
                LOG.warn("the cluster does not hear of this node: {}", e.getMessage());
            }
            reachable = false;
            last = null;
        }
    }

    /** The store knows nothing of the groups any more: it was made anew. */
    public synchronized void joinGroupsAnew() {
        groupsAreKnown = false;
        last = null;
    }

    private void joinGroups() throws StoreUnreachableException {
        for (ManagedVm vm : vms.all()) {
            Optional<Name> group = vm.group();
            if (group.isPresent()) {
                catalogue.addToGroup(group.get(), vm.name());
            }
        }
    }
}
