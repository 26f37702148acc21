package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.doctor.Bundle;
import dev.holdfast.agent.doctor.Check;
import dev.holdfast.agent.doctor.Check.Verdict;
import dev.holdfast.agent.doctor.HostDiagnosis;
import dev.holdfast.agent.doctor.HostLook;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code holdfast doctor}: how the nodes and the cluster are. With a dead agent it looks at this host alone. */
@Command(
        name = "doctor",
        description = {
            "Look at this node and the cluster as a support engineer would: clocks, ZooKeeper, the group channel, permissions,",
            "fencing, versions, space, leftovers. Touches nothing. Shows what is not well, and what to do about it; exit code",
            "1 if anything has failed. Looks at this host alone if its agent does not answer."
        })
final class DoctorCommand extends RemoteCommand {
    private static final Map<String, ControlCommand> ANSWERS = Map.of(
            "answers/status.json",
            ControlCommand.CLUSTER_STATUS,
            "answers/history.json",
            ControlCommand.CLUSTER_HISTORY,
            "answers/machines.json",
            ControlCommand.VM_LIST,
            "answers/groups.json",
            ControlCommand.GROUP_LIST,
            "answers/fsck.json",
            ControlCommand.NODE_FSCK);

    @Option(
            names = {"-a", "--all"},
            description = "also show what is well")
    private boolean all;

    @Option(
            names = "--bundle",
            paramLabel = "FILE",
            description = "write configuration, logs and findings into a tar.gz, without secrets")
    private @Nullable Path bundle;

    @Override
    ControlCommand command() {
        return ControlCommand.NODE_DOCTOR;
    }

    @Override
    void arguments(Map<String, @Nullable Object> arguments) {}

    @Override
    public Integer call() throws ControlException, ConfigurationException, IOException {
        if (bundle != null && Files.exists(bundle)) {
            throw usage(bundle + " is there already; name a file that is not");
        }
        JsonObject answer;
        try {
            answer = ask(command(), Map.of());
        } catch (ControlException | ConfigurationException e) {
            answer = hostAlone(String.valueOf(e.getMessage()));
        }
        return tell(answer);
    }

    private JsonObject hostAlone(String because) {
        List<Check> checks = new ArrayList<>();
        checks.add(new Check(
                "",
                "agent",
                Verdict.FAILED,
                because + ": only this host was looked at",
                "systemctl start holdfast; machines run on without it"));
        HostLook host = HostLook.at(configuration());
        checks.addAll(HostDiagnosis.of(host.facts()));
        checks.addAll(host.certificates(environment().clock().instant()));
        return JsonObject.of(new DoctorReport(checks));
    }

    @Override
    void before(JsonObject answer) throws IOException {
        if (bundle == null) {
            return;
        }
        Bundle collected = new Bundle(configuration());
        collected.add("answers/doctor.json", Json.pretty(answer));
        for (Map.Entry<String, ControlCommand> question : ANSWERS.entrySet()) {
            String text;
            try {
                text = Json.pretty(ask(question.getValue(), Map.of()));
            } catch (ControlException | ConfigurationException | IOException e) {
                text = String.valueOf(e.getMessage());
            }
            collected.add(question.getKey(), text);
        }
        collected.write(bundle, environment().clock().instant());
        environment().err().println("Written to " + bundle + "; look it through before you give it away.");
    }

    @Override
    void show(JsonObject answer) throws IOException {
        View view = view().row("NODE", "WHAT", "IS", "BECAUSE");
        List<Check> checks = answer.as(DoctorReport.class).checks();
        checks.stream()
                .filter(check -> all || check.verdict() != Verdict.OK)
                .forEach(check -> view.row(
                        check.node(),
                        check.subject(),
                        check.verdict().name().toLowerCase(Locale.ROOT),
                        check.text() + (check.remedy().isEmpty() ? "" : "\nto do: " + check.remedy())));
        view.printOr("All is well: %d things were looked at.".formatted(checks.size()));
    }

    @Override
    ExitCode exit(JsonObject answer) throws JsonException {
        return answer.as(DoctorReport.class).checks().stream().anyMatch(check -> check.verdict() == Verdict.FAILED)
                ? ExitCode.FAILED
                : ExitCode.OK;
    }
}
