package dev.holdfast.agent;

import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.guard.GuardClient;
import dev.holdfast.agent.pacemaker.Attributes;
import dev.holdfast.agent.pacemaker.ClusterFacts;
import dev.holdfast.agent.pacemaker.ClusterFacts.Taken;
import dev.holdfast.agent.pacemaker.PromotionScores;
import dev.holdfast.agent.pacemaker.ReplicaFacts;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Gathers what pacemaker's users shall see of this node: every ten seconds, and when a machine is held, or is no more. One thread
 * calls.
 */
final class PacemakerReport {

    private static final Path ATTRD_UPDATER = Path.of("/usr/sbin/attrd_updater");
    private static final Path CRM_ATTRIBUTE = Path.of("/usr/sbin/crm_attribute");
    private static final Duration GUARD_BOUND = Duration.ofSeconds(2);
    private static final Duration SHORT_FREEZE = Duration.ofSeconds(1);
    private static final long AT_LEAST_EVERY = Duration.ofSeconds(10).toNanos();
    private static final long ALL_ANEW_EVERY = Duration.ofSeconds(60).toNanos();

    private final NodeSettings node;
    private final Platform platform;
    private final LocalMachines machines;
    private final ClusterLink cluster;
    private final Supplier<Optional<Epoch>> reign;
    private final Supplier<List<ReplicaDetails>> replicas;
    private final Attributes attributes = new Attributes(ATTRD_UPDATER);
    private final PromotionScores scores = new PromotionScores(CRM_ATTRIBUTE);
    private List<String> told = List.of();
    private long toldAt;
    private long allToldAt;

    PacemakerReport(
            NodeSettings node,
            Platform platform,
            LocalMachines machines,
            ClusterLink cluster,
            Supplier<Optional<Epoch>> reign,
            Supplier<List<ReplicaDetails>> replicas) {
        this.node = node;
        this.platform = platform;
        this.machines = machines;
        this.cluster = cluster;
        this.reign = reign;
        this.replicas = replicas;
        this.toldAt = platform.nanoClock().getAsLong() - AT_LEAST_EVERY;
        this.allToldAt = toldAt;
    }

    /** To be called again and again. Never throws. */
    void tell() {
        long now = platform.nanoClock().getAsLong();
        for (ManagedVm vm : machines.vms().all()) {
            scores.tell(node.vmRunDirectory(vm.name()));
        }
        List<String> still = still();
        Map<Name, Optional<ReplicaFacts>> copies = copies();
        if (now - allToldAt >= ALL_ANEW_EVERY) {
            allToldAt = now;
            attributes.forget();
        }
        // Ages change all the time, and need no haste.
        List<String> urgent = new ArrayList<>(still);
        copies.forEach((vm, facts) -> facts.ifPresent(
                replica -> urgent.add("%s %s %s %s".formatted(vm, replica.role(), replica.state(), replica.held()))));
        if (!urgent.equals(told) || now - toldAt >= AT_LEAST_EVERY) {
            told = urgent;
            toldAt = now;
            tell(still, copies);
        }
    }

    private Map<Name, Optional<ReplicaFacts>> copies() {
        Map<Name, Optional<ReplicaFacts>> all = new TreeMap<>();
        for (ReplicaDetails replica : replicas.get()) {
            ReplicaFacts facts = new ReplicaFacts(
                    replica.role(), replica.state(), replica.peer(), replica.committedMsAgo(), replica.held());
            all.put(replica.vm(), replica.started() ? Optional.of(facts) : Optional.empty());
        }
        return all;
    }

    private void tell(List<String> still, Map<Name, Optional<ReplicaFacts>> copies) {
        List<String> degraded = new ArrayList<>();
        guardProblem().ifPresent(degraded::add);
        if (!machines.journal().unreadable().isEmpty()) {
            degraded.add("the journal has an entry that cannot be read: run 'holdfast fsck'");
        }
        machines.vms()
                .unreadable()
                .files()
                .forEach(file -> degraded.add("%s defines no machine: run 'holdfast vm list'".formatted(file.file())));
        cluster.channelProblem().ifPresent(degraded::add);
        boolean leads = reign.get().isPresent();
        Map<Name, Optional<Taken>> groups = new TreeMap<>();
        try {
            cluster.store().gate().heldBack().ifPresent(why -> degraded.add("the cluster is paused: " + why));
            for (Catalogue.Group group : cluster.store().catalogue().groups()) {
                groups.put(group.name(), leads ? newest(group.name()) : Optional.empty());
            }
        } catch (StoreUnreachableException e) {
            degraded.add("ZooKeeper cannot be used: no checkpoints, no reverts");
        }
        attributes.show(new ClusterFacts(
                still, degraded, leads, groups, copies, platform.clock().instant()));
    }

    private List<String> still() {
        return machines.vms().all().stream()
                .map(ManagedVm::name)
                .flatMap(vm -> still(vm).stream())
                .toList();
    }

    /** A round freezes for less than a second, and each change of an attribute makes pacemaker look at the whole cluster. */
    private Optional<String> still(Name vm) {
        Instant worthTelling = platform.clock().instant().minus(SHORT_FREEZE);
        return machines.net()
                .holdOn(vm)
                .map(token -> vm + " is held for " + token + " until that is decided")
                .or(() -> machines.net()
                        .frozen(vm)
                        .filter(frozen -> frozen.since().isBefore(worthTelling))
                        .map(frozen -> "%s is frozen until %s at the latest"
                                .formatted(vm, frozen.until().truncatedTo(ChronoUnit.SECONDS))));
    }

    private Optional<String> guardProblem() {
        try (GuardClient guard = GuardClient.connect(node.guardSocket(), GUARD_BOUND, fired -> {})) {
            guard.ping();
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("the guard does not answer: no checkpoints of this node's machines");
        }
    }

    private Optional<Taken> newest(Name group) throws StoreUnreachableException {
        List<CheckpointRecord> all = cluster.store().catalogue().checkpoints(group);
        if (all.isEmpty()) {
            return Optional.empty();
        }
        CheckpointRecord last = all.get(all.size() - 1);
        long nanos =
                last.vms().stream().mapToLong(VmReport::frozenAtNanos).max().orElse(0);
        return Optional.of(new Taken(last.name(), Instant.ofEpochSecond(0, nanos)));
    }
}
