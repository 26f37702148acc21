package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.doctor.Check;
import dev.holdfast.agent.doctor.Check.Verdict;
import dev.holdfast.agent.fsck.Finding;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** {@code node.doctor}: how every node is that can be asked. Thread-safe. */
public final class DoctorCommands {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Name self;
    private final Peers peers;
    private final NodeRegistry nodes;
    private final ClusterLook look;

    /**
     * @param self this node, which is looked at even if nothing else can be
     * @param peers to ask the nodes, this one included
     * @param nodes who there is
     * @param look for what fsck would find
     */
    public DoctorCommands(Name self, Peers peers, NodeRegistry nodes, ClusterLook look) {
        this.self = self;
        this.peers = peers;
        this.nodes = nodes;
        this.look = look;
    }

    /** Adds the handler. */
    public void register(CommandTable table) {
        table.register(ControlCommand.NODE_DOCTOR, this::doctor);
    }

    private Object doctor(Arguments arguments, Progress progress) throws InterruptedException {
        List<Check> checks = new ArrayList<>();
        for (Name node : names()) {
            progress.phase("doctor", "looking at " + node);
            checks.addAll(ask(node));
        }
        long found = look.world(progress).findings().stream()
                .filter(finding -> finding.kind() != Finding.Kind.LOST)
                .count();
        checks.add(
                found == 0
                        ? new Check("", "leftovers", Verdict.OK, "catalogue, files and hypervisors agree", "")
                        : new Check(
                                "",
                                "leftovers",
                                Verdict.WARNING,
                                "fsck finds %d things".formatted(found),
                                "'holdfast fsck' says which, and what --repair would do"));
        return new DoctorReport(checks);
    }

    private TreeSet<Name> names() {
        TreeSet<Name> names = new TreeSet<>();
        names.add(self);
        try {
            nodes.nodes().forEach(node -> names.add(node.node()));
        } catch (StoreUnreachableException e) {
            // Each node says so of the store itself.
            return names;
        }
        return names;
    }

    private List<Check> ask(Name node) throws InterruptedException {
        String why;
        try {
            JsonObject answer = peers.ask(node, new PeerRequest(PeerRequest.Kind.DOCTOR, JsonObject.empty()), PATIENCE);
            return answer.as(DoctorReport.class).checks();
        } catch (RoundRefusedException e) {
            why = e.because().text();
        } catch (OutcomeUnknownException | JsonException e) {
            why = String.valueOf(e.getMessage());
        }
        return List.of(new Check(
                node.value(),
                "agent",
                Verdict.FAILED,
                why,
                "run 'holdfast doctor' there; it works with a dead agent too"));
    }
}
