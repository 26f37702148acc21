package dev.holdfast.agent;

import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.config.VmSettings;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.doctor.Check;
import dev.holdfast.agent.doctor.ClusterDiagnosis;
import dev.holdfast.agent.doctor.ClusterFacts;
import dev.holdfast.agent.doctor.HostDiagnosis;
import dev.holdfast.agent.doctor.HostLook;
import dev.holdfast.agent.doctor.StorageDiagnosis;
import dev.holdfast.agent.guard.GuardClient;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.qemu.Flush;
import dev.holdfast.agent.replication.Fencing;
import dev.holdfast.agent.snapshot.DiskStorage;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.port.GroupChannel.ClockOffset;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Proof;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Gathers how this node is, for {@code doctor}. Touches nothing; blocks for some seconds. Thread-safe. */
final class Consultation implements Supplier<DoctorReport> {

    private static final Path CIBADMIN = Path.of("/usr/sbin/cibadmin");
    private static final Duration BOUND = Duration.ofSeconds(2);
    private static final int READS = 5;

    // ZooKeeper's administrator's guide, "The Four Letter Words": srvr is allowed unless an administrator says
    // otherwise.
    private static final String QUESTION = "srvr";
    private static final String NO_QUORUM = "not currently serving requests";
    private static final int ANSWER = 4096;
    private static final Pattern SERVER = Pattern.compile("\\[?([^\\[\\]/]+?)\\]?:(\\d{1,5})(?:/.*)?");

    private final Configuration configuration;
    private final Platform platform;
    private final LocalMachines machines;
    private final ClusterLink cluster;
    private final Fencing fencing;
    private final ImageKeys imageKeys;

    Consultation(
            Configuration configuration,
            Platform platform,
            LocalMachines machines,
            ClusterLink cluster,
            Drivers drivers) {
        this.configuration = configuration;
        this.platform = platform;
        this.machines = machines;
        this.cluster = cluster;
        this.fencing = drivers.fencing();
        this.imageKeys = drivers.imageKeys();
    }

    @Override
    public DoctorReport get() {
        HostLook host = HostLook.of(configuration);
        List<Check> checks = new ArrayList<>(HostDiagnosis.of(host.facts()));
        checks.addAll(host.certificates(platform.clock().instant()));
        checks.addAll(ClusterDiagnosis.of(facts()));
        checks.addAll(StorageDiagnosis.of(configuration.node().node().value(), disks()));
        return new DoctorReport(checks);
    }

    /** Of the machines that run here: the chain of another may be another node's. What is wrong with one is told by fsck. */
    private List<StorageDiagnosis.Disk> disks() {
        List<StorageDiagnosis.Disk> disks = new ArrayList<>();
        for (ManagedVm vm : machines.vms().all()) {
            if (!vm.definition().hasLayers() || vm.process().isEmpty()) {
                continue;
            }
            List<String> lingering = lingering(vm);
            try {
                for (DiskStorage disk : DiskStorage.of(vm.definition(), machines.storage())) {
                    disks.add(new StorageDiagnosis.Disk(
                            vm.name().value(),
                            disk.disk(),
                            disk.becomes() != Keep.LAYER,
                            disk.obstacle(),
                            disk.refusals(),
                            lingering.contains(disk.disk())));
                }
            } catch (SnapshotException e) {
                continue;
            }
        }
        return disks;
    }

    /** None while somebody is at it, nor of a machine that goes back only while it is stopped, or that does not tell. */
    private List<String> lingering(ManagedVm vm) {
        try {
            Optional<RunningVm> process = vm.process();
            return process.isEmpty()
                            || !process.get().settles()
                            || machines.operationOn(vm.name()).isPresent()
                    ? List.of()
                    : DiskStorage.onNeedlessLayers(vm.definition());
        } catch (SnapshotException | HypervisorException e) {
            return List.of();
        }
    }

    private ClusterFacts facts() {
        NodeSettings node = configuration.node();
        TreeMap<String, String> nodes = new TreeMap<>();
        TreeMap<String, Long> offsets = new TreeMap<>();
        List<String> unreadImages = new ArrayList<>();
        for (NodeRegistry.Node known : cluster.nodes()) {
            nodes.put(known.node().value(), known.software());
            if (!imageKeys.reads(known.imageKeys())) {
                unreadImages.add(known.node().value());
            }
            ClockOffset offset = cluster.channel().clockOffset(known.node());
            if (offset.errorNanos() >= 0 && !known.node().equals(node.node())) {
                offsets.put(known.node().value(), offset.offsetNanos());
            }
        }
        return new ClusterFacts(
                node.node().value(),
                store(node),
                nodes,
                cluster.channel().present().stream().map(Name::value).sorted().toList(),
                cluster.channelProblem(),
                offsets,
                guardProblem(node),
                fences(node),
                (int) configuration.vms().stream()
                        .map(VmSettings::replication)
                        .filter(Optional::isPresent)
                        .count(),
                unwell(machines.journal().unreadable(), machines.vms().states()),
                unreadImages);
    }

    private ClusterFacts.Store store(NodeSettings node) {
        List<String> servers = List.of(node.zookeeper().connect().split(","));
        List<String> silent = servers.stream()
                .map(String::strip)
                .filter(server -> !answers(server))
                .toList();
        long session = node.zookeeper().sessionTimeout().toNanos();
        try {
            List<Long> trips = new ArrayList<>();
            Optional<String> heldBack = Optional.empty();
            for (int i = 0; i < READS; i++) {
                long before = platform.nanoClock().getAsLong();
                heldBack = cluster.store().gate().heldBack();
                trips.add(platform.nanoClock().getAsLong() - before);
            }
            Collections.sort(trips);
            Optional<String> leader = cluster.store().nodes().leader().map(Name::value);
            return new ClusterFacts.Store(
                    Optional.empty(), trips.get(READS / 2), session, silent, servers.size(), leader, heldBack);
        } catch (StoreUnreachableException e) {
            return new ClusterFacts.Store(
                    Optional.of(String.valueOf(e.getMessage())),
                    -1,
                    session,
                    silent,
                    servers.size(),
                    Optional.empty(),
                    Optional.empty());
        }
    }

    /** Whether a server serves, as far as it says; tells which one to look at when the ensemble has too few. */
    private boolean answers(String server) {
        Matcher matcher = SERVER.matcher(server);
        if (!matcher.matches()) {
            return true; // The client knows what to do with it; its answer counts.
        }
        try (Socket socket = new Socket()) {
            socket.connect(
                    new InetSocketAddress(matcher.group(1), Integer.parseInt(matcher.group(2))),
                    Math.toIntExact(BOUND.toMillis()));
            if (configuration.node().zookeeper().tls().isPresent()) {
                return true;
            }
            // A server that hangs still takes connections. One that may not answer this question ends the connection.
            socket.setSoTimeout(Math.toIntExact(BOUND.toMillis()));
            socket.getOutputStream().write(QUESTION.getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readNBytes(ANSWER), StandardCharsets.US_ASCII);
            return !answer.contains(NO_QUORUM);
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    private static Optional<String> guardProblem(NodeSettings node) {
        try (GuardClient guard = GuardClient.connect(node.guardSocket(), BOUND, fired -> {})) {
            guard.ping();
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private Optional<Boolean> fences(NodeSettings node) {
        return Files.isExecutable(CIBADMIN)
                ? Optional.of(!fencing.proof(node.node()).equals(new Proof.NoFencing()))
                : Optional.empty();
    }

    /** What on this node a person should look at; which machines it has, and in which state, is the caller's. */
    static List<String> unwell(List<String> unreadableEntries, SortedMap<Name, String> states) {
        List<String> unwell = new ArrayList<>(unreadableEntries);
        Flush.hanging()
                .forEach(file -> unwell.add(file
                        + " could not be made durable: its storage hangs, and its space is taken until that answers"));
        for (Map.Entry<Name, String> vm : states.entrySet()) {
            if (vm.getValue().equals(ManagedVm.UNKNOWN)) {
                unwell.add(vm.getKey() + " has a process that does not answer");
            } else if (vm.getValue().equals(ManagedVm.UNDEFINED)) {
                unwell.add(vm.getKey() + " runs, and its definition is gone or cannot be read");
            }
        }
        return unwell;
    }
}
