package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
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
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** {@code node.doctor}: how every node is that can be asked. Thread-safe. */
public final class DoctorCommands {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final ClusterLook look;

    /**
     * @param look knows and asks who there is, and what fsck would find
     */
    public DoctorCommands(ClusterLook look) {
        this.look = look;
    }

    /** Adds the handler. */
    public void register(CommandTable table) {
        table.register(ControlCommand.NODE_DOCTOR, this::doctor);
    }

    private Object doctor(Arguments arguments, Progress progress) throws InterruptedException {
        List<Check> checks = new ArrayList<>();
        TreeMap<Name, String> silent = new TreeMap<>();
        for (Name node : look.names()) {
            progress.phase("doctor", "looking at " + node);
            checks.addAll(ask(node, silent));
        }
        List<Finding> findings = look.world(progress, silent, Set.of()).findings();
        long found =
                findings.stream().filter(finding -> finding.kind().isFault()).count();
        long passed = findings.stream()
                .filter(finding -> finding.kind() == Finding.Kind.PASSED)
                .count();
        checks.add(
                found == 0
                        ? new Check(
                                "",
                                "leftovers",
                                Verdict.OK,
                                "catalogue, files and hypervisors agree"
                                        + (passed == 0 ? "" : "; machines in use that were not looked at: " + passed),
                                "")
                        : new Check(
                                "",
                                "leftovers",
                                Verdict.WARNING,
                                "fsck finds %d things".formatted(found),
                                "'holdfast fsck' says which, and what --repair would do"));
        return new DoctorReport(checks);
    }

    private List<Check> ask(Name node, TreeMap<Name, String> silent) throws InterruptedException {
        String why;
        try {
            JsonObject answer = look.ask(node, new PeerRequest(PeerRequest.Kind.DOCTOR, JsonObject.empty()), PATIENCE);
            return answer.as(DoctorReport.class).checks();
        } catch (RoundRefusedException e) {
            why = e.because().text();
        } catch (OutcomeUnknownException | JsonException e) {
            why = String.valueOf(e.getMessage());
        }
        silent.put(node, why);
        return List.of(new Check(
                node.value(),
                "agent",
                Verdict.FAILED,
                why,
                "run 'holdfast doctor' there; it works with a dead agent too"));
    }
}
