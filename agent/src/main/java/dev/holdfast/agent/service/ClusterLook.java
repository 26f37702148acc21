package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.fsck.NodeFacts;
import dev.holdfast.agent.fsck.StoreFacts;
import dev.holdfast.agent.fsck.World;
import dev.holdfast.agent.inspection.Inspection;
import dev.holdfast.agent.inspection.NodePage;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.Claims;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Sees the whole cluster for {@code fsck} and {@code doctor}: first the nodes, then the store, so that what a node has done is in the store. */
public final class ClusterLook {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** For one that should not be there. */
    private static final Duration ABSENCE = Duration.ofSeconds(10);

    /** A quarter of a second lies between them. */
    private static final int TRIES = 8;

    private final Name self;
    private final Peers peers;
    private final NodeRegistry nodes;
    private final Catalogue catalogue;
    private final DecisionLog log;
    private final Claims claims;

    /**
     * @param self this node, which is looked at even if nothing else can be
     * @param peers to ask the nodes
     * @param nodes who is there
     * @param catalogue groups and checkpoints
     * @param log rounds
     * @param claims what they hold
     */
    public ClusterLook(
            Name self, Peers peers, NodeRegistry nodes, Catalogue catalogue, DecisionLog log, Claims claims) {
        this.self = self;
        this.peers = peers;
        this.nodes = nodes;
        this.catalogue = catalogue;
        this.log = log;
        this.claims = claims;
    }

    /**
     * @param silent nodes that are not asked, and why; those that do not answer are added: nobody waits twice for them
     * @param gone nodes of which a person says that they never come back; one that can be heard all the same is added to the silent ones
     */
    World world(Progress progress, SortedMap<Name, String> silent, Set<Name> gone) throws InterruptedException {
        TreeMap<Name, NodeFacts> seen = new TreeMap<>();
        Optional<String> unreachable = Optional.empty();
        TreeSet<Name> names = new TreeSet<>(Set.of(self));
        try {
            names.addAll(registered());
        } catch (StoreUnreachableException e) {
            // This node can be looked at all the same; nobody waits for the store's time-out again.
            unreachable = Optional.of(String.valueOf(e.getMessage()));
        }
        for (Name node : names) {
            if (silent.containsKey(node)) {
                continue;
            }
            progress.phase("look", "looking at " + node);
            try {
                seen.put(node, facts(node));
            } catch (RoundRefusedException e) {
                silent.put(node, e.because().text());
            } catch (OutcomeUnknownException | JsonException e) {
                silent.put(node, String.valueOf(e.getMessage()));
            }
        }
        for (Name node : gone) {
            if (!names.contains(node)
                    && !peers.isAbsent(node, new PeerRequest(PeerRequest.Kind.FSCK, Inspection.look(0)), ABSENCE)) {
                silent.put(node, "the store does not name it, but it is in the group channel");
            }
        }
        if (unreachable.isPresent()) {
            return new World(seen, silent, Optional.empty(), unreachable.get());
        }
        try {
            return new World(seen, silent, Optional.of(store()), "");
        } catch (StoreUnreachableException e) {
            return new World(seen, silent, Optional.empty(), String.valueOf(e.getMessage()));
        }
    }

    private NodeFacts facts(Name node)
            throws RoundRefusedException, OutcomeUnknownException, JsonException, InterruptedException {
        NodePage page = page(node, 0);
        NodeFacts facts = page.facts();
        while (page.next() > 0) {
            page = page(node, page.next());
            facts = facts.with(page.facts().machines());
        }
        return facts;
    }

    private NodePage page(Name node, int from)
            throws RoundRefusedException, OutcomeUnknownException, JsonException, InterruptedException {
        return Inspection.page(ask(node, new PeerRequest(PeerRequest.Kind.FSCK, Inspection.look(from)), PATIENCE));
    }

    /** Asks a node; one that is not in the group channel is waited for a moment only: that it is not is worth knowing. */
    JsonObject ask(Name node, PeerRequest request, Duration patience)
            throws RoundRefusedException, OutcomeUnknownException, InterruptedException {
        int[] left = {TRIES};
        return peers.askWhenThere(node, request, patience, () -> left[0]-- > 0);
    }

    /** This node, and those that the store knows of. */
    TreeSet<Name> names() {
        TreeSet<Name> names = new TreeSet<>(Set.of(self));
        try {
            names.addAll(registered());
        } catch (StoreUnreachableException e) {
            // The look at the store says so; this node can be looked at all the same.
            return names;
        }
        return names;
    }

    private TreeSet<Name> registered() throws StoreUnreachableException {
        return nodes.nodes().stream().map(NodeRegistry.Node::node).collect(Collectors.toCollection(TreeSet::new));
    }

    private StoreFacts store() throws StoreUnreachableException {
        List<StoreFacts.Checkpoint> checkpoints = new ArrayList<>();
        List<StoreFacts.Group> groups = new ArrayList<>();
        // Before the rounds: a claim that is there now has a round that is there until then, or none.
        SortedMap<String, String> held = claims.claims();
        List<StoreFacts.Round> rounds =
                log.rounds().stream().map(ClusterLook::round).toList();
        List<String> unreadable = new ArrayList<>(log.unreadable());
        for (Catalogue.Group group : catalogue.groups()) {
            groups.add(new StoreFacts.Group(group.name(), group.vms()));
            catalogue.checkpoints(group.name()).forEach(record -> checkpoints.add(checkpoint(record)));
        }
        return new StoreFacts(checkpoints, rounds, groups, held, unreadable, nodes.known());
    }

    private static StoreFacts.Checkpoint checkpoint(CheckpointRecord record) {
        List<StoreFacts.Part> parts = record.reports().stream()
                .flatMap(report ->
                        report.vms().stream().map(vm -> new StoreFacts.Part(vm.vm(), report.node(), files(vm))))
                .toList();
        return new StoreFacts.Checkpoint(
                record.group(),
                record.name(),
                record.round().value(),
                record.state() == CheckpointRecord.State.DELETING,
                parts);
    }

    private static Set<String> files(VmReport vm) {
        return vm.parts().stream()
                .map(part -> part.path().substring(part.path().lastIndexOf('/') + 1))
                .collect(Collectors.toSet());
    }

    /**
     * Takes a claim away whose round is gone.
     *
     * @return whether there was one
     */
    boolean free(String claim) throws StoreUnreachableException {
        String round = claims.claims().get(claim);
        return round != null && claims.release(claim, round);
    }

    /**
     * Says of a decided round that a node which is gone for good has made it true. Idempotent.
     *
     * @return whether it was still waited for
     * @throws RoundRefusedException the node has come back since it was looked for
     */
    boolean acknowledge(String round, Name node) throws StoreUnreachableException, RoundRefusedException {
        if (registered().contains(node)) {
            throw new RoundRefusedException(
                    Refusal.preflight("node %s has come back; wait until it has ended its round".formatted(node)));
        }
        RoundId id = new RoundId(round);
        boolean waited = log.read(id)
                .filter(view ->
                        view.state().decision().isPresent() && view.waitsFor().contains(node))
                .isPresent();
        if (waited) {
            log.acknowledge(id, node);
        }
        return waited;
    }

    private static StoreFacts.Round round(RoundView view) {
        return new StoreFacts.Round(
                view.spec().id().value(),
                "the %s of %s@%s"
                        .formatted(
                                view.spec().kind().name().toLowerCase(Locale.ROOT),
                                view.spec().group(),
                                view.spec().checkpoint()),
                view.state().decision().map(decision -> decision == Decision.COMMITTED),
                List.copyOf(view.waitsFor()),
                Map.copyOf(view.spec().members().byNode()),
                view.spec().kind() == RoundKind.REVERT);
    }
}
