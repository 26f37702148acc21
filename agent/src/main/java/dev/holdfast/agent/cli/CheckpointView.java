package dev.holdfast.agent.cli;

import static dev.holdfast.agent.timeline.CheckpointTimeline.millis;

import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.control.reply.CheckpointList;
import dev.holdfast.agent.control.reply.Prediction;
import dev.holdfast.agent.control.reply.Verification;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.timeline.CheckpointTimeline;
import dev.holdfast.agent.timeline.SvgTimeline;
import dev.holdfast.agent.timeline.TerminalTimeline;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Shows checkpoints. Stateless. */
final class CheckpointView {
    private static final String NOTHING_DONE = "Nothing was done: this was a dry run, and nothing speaks against it.";

    private CheckpointView() {}

    /** @param memory whether the machines' memory was asked for */
    static void created(Environment environment, JsonObject answer, boolean memory) throws IOException {
        Optional<String> warning = answer.text("message");
        if (warning.isPresent()) {
            environment.err().println("holdfast: warning: " + warning.get());
            return;
        }
        CheckpointDetails checkpoint = answer.as(CheckpointDetails.class);
        View view = new View(environment).row("VM", "NODE", "METHOD", "PAUSE", "SIZE", "QUIESCED");
        for (CheckpointDetails.Member vm : checkpoint.vms()) {
            view.row(
                    vm.vm().value(),
                    vm.node().value(),
                    vm.encrypted() ? vm.method() + ", encrypted" : vm.method(),
                    millis(vm.pauseNanos()),
                    View.size(vm.bytes()),
                    vm.quiesce());
        }
        view.print();
        environment
                .out()
                .println("Checkpoint %s@%s: skew %s, longest pause %s, %s."
                        .formatted(
                                checkpoint.group(),
                                checkpoint.name(),
                                millis(checkpoint.skewNanos()),
                                millis(checkpoint.maxPauseNanos()),
                                View.size(checkpoint.bytes())));
        if (memory) {
            warn(environment, withoutMemory(checkpoint));
        }
    }

    private static void warn(Environment environment, Stream<Name> withoutMemory) {
        String names = names(withoutMemory);
        if (!names.isEmpty()) {
            environment
                    .err()
                    .println(
                            "holdfast: warning: without memory, which their hypervisor cannot write: %s; a revert boots them"
                                    .formatted(names));
        }
    }

    private static String names(Stream<Name> machines) {
        return machines.map(Name::value).collect(Collectors.joining(", "));
    }

    static void list(Environment environment, JsonObject answer) throws IOException {
        View view = new View(environment)
                .row("GROUP", "NAME", "CREATED", "STATE", "VMS", "PAUSE", "SKEW", "SIZE", "PARENT", "DESCRIPTION");
        for (CheckpointList.Row row : answer.as(CheckpointList.class).checkpoints()) {
            view.row(
                    row.group().value(),
                    row.name().value(),
                    seconds(row.created()),
                    row.state(),
                    Integer.toString(row.vms()),
                    millis(row.maxPauseNanos()),
                    millis(row.skewNanos()),
                    View.size(row.bytes()),
                    row.parent().orElse("-"),
                    row.description());
        }
        view.printOr("There are no checkpoints.");
    }

    static void details(Environment environment, JsonObject answer, boolean unicode) throws IOException {
        CheckpointDetails checkpoint = answer.as(CheckpointDetails.class);
        new View(environment)
                .property("Checkpoint", checkpoint.group() + "@" + checkpoint.name())
                .property("Description", checkpoint.description())
                .property("Created", checkpoint.created())
                .property("State", checkpoint.state())
                .property("Parent", checkpoint.parent().orElse(""))
                .property("Round", checkpoint.round() + ", epoch " + checkpoint.epoch())
                .property("Size", View.size(checkpoint.bytes()))
                .property("Without memory", names(withoutMemory(checkpoint)))
                .print();
        environment.out().println();
        View view = new View(environment).row("VM", "NODE", "METHOD", "PAUSE", "SIZE", "QUIESCED", "HYPERVISOR");
        for (CheckpointDetails.Member vm : checkpoint.vms()) {
            view.row(
                    vm.vm().value(),
                    vm.node().value(),
                    vm.encrypted() ? vm.method() + ", encrypted" : vm.method(),
                    millis(vm.pauseNanos()),
                    View.size(vm.bytes()),
                    vm.quiesce(),
                    vm.hypervisor());
        }
        view.print();
        environment.out().println();
        new TerminalTimeline(environment.width(), unicode)
                .draw(timeline(checkpoint))
                .forEach(environment.out()::println);
    }

    /** The machines that a revert boots. */
    private static Stream<Name> withoutMemory(CheckpointDetails checkpoint) {
        return checkpoint.vms().stream().filter(vm -> !vm.hasMemory()).map(CheckpointDetails.Member::vm);
    }

    static void writeSvg(Environment environment, JsonObject answer, Path file) throws IOException {
        String picture = SvgTimeline.draw(timeline(answer.as(CheckpointDetails.class)));
        try {
            Files.writeString(file, picture);
        } catch (IOException e) {
            throw new IOException("the picture cannot be written to " + file + " (" + e + "); name another file", e);
        }
        environment.err().println("The timeline is in " + file + ".");
    }

    /** @param memory whether the machines' memory was asked for */
    static void prediction(Environment environment, JsonObject answer, boolean memory) throws IOException {
        List<Prediction.Row> rows = answer.as(Prediction.class).vms();
        View view = new View(environment).row("VM", "NODE", "METHOD", "EXPECTED PAUSE", "SIZE", "FREE");
        for (Prediction.Row row : rows) {
            view.row(
                    row.vm().value(),
                    row.node().value(),
                    row.method(),
                    row.pauseNanos() < 0 ? "unknown" : millis(row.pauseNanos()),
                    View.size(row.bytes()),
                    View.size(row.freeBytes()));
        }
        view.print();
        environment.out().println(NOTHING_DONE);
        if (memory) {
            warn(environment, rows.stream().filter(row -> !row.hasMemory()).map(Prediction.Row::vm));
        }
    }

    static void revertPrediction(Environment environment, JsonObject answer) throws IOException {
        View view = new View(environment).row("VM", "NODE", "COMES BACK WITH", "RAM NEEDED", "RAM FREE");
        for (Prediction.Row row : answer.as(Prediction.class).vms()) {
            view.row(
                    row.vm().value(),
                    row.node().value(),
                    row.hasMemory() ? "memory and disks" : "disks, from its boot",
                    View.size(row.bytes()),
                    View.size(row.freeBytes()));
        }
        view.print();
        environment.out().println(NOTHING_DONE);
    }

    static void verification(Environment environment, JsonObject answer) throws IOException {
        Verification verification = answer.as(Verification.class);
        View view = new View(environment).row("VM", "NODE", "WHAT", "STATE", "FILE");
        for (Verification.Row row : verification.files()) {
            view.row(
                    row.vm().value(),
                    row.node().value(),
                    row.role(),
                    switch (row.state()) {
                        case INTACT -> "intact";
                        case DAMAGED -> "DAMAGED";
                        case UNREADABLE -> "key missing";
                        case UNKNOWN -> "unknown";
                    },
                    row.path() + (row.detail().isEmpty() ? "" : " (" + row.detail() + ")"));
        }
        view.print();
        environment.out().println(conclusion(verification));
    }

    private static String conclusion(Verification verification) {
        if (verification.passed()) {
            return "Everything is intact.";
        }
        if (verification.failed()) {
            return "Not everything is intact.";
        }
        return verification.lacksKeys()
                ? "Nothing is known to be damaged, but a memory image cannot be read where its key is missing; put the key there."
                : "Nothing is known to be damaged, but not everything could be looked at; try again.";
    }

    private static CheckpointTimeline timeline(CheckpointDetails checkpoint) {
        long first = checkpoint.vms().stream()
                .mapToLong(CheckpointDetails.Member::frozenAtNanos)
                .min()
                .orElse(0);
        return new CheckpointTimeline(
                checkpoint.group() + "@" + checkpoint.name(),
                checkpoint.vms().stream().map(vm -> lane(vm, first)).toList());
    }

    private static CheckpointTimeline.Lane lane(CheckpointDetails.Member vm, long first) {
        return new CheckpointTimeline.Lane(
                vm.vm().value(),
                vm.node().value(),
                vm.frozenAtNanos() - first,
                vm.capturedAtNanos() - first,
                Math.max(vm.thawedAtNanos(), vm.frozenAtNanos()) - first,
                vm.clockErrorNanos());
    }

    /** An instant without its fraction. */
    static String seconds(String instant) {
        return instant.replaceAll("\\.\\d+Z$", "Z");
    }
}
