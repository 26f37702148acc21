package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.ScheduleList;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code holdfast schedule}: checkpoints that are taken by themselves. */
@Command(
        name = "schedule",
        description = "Checkpoints that are taken by themselves.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {ScheduleCommands.ListAll.class, ScheduleCommands.Set.class, ScheduleCommands.Remove.class})
final class ScheduleCommands {

    /** A command that answers with schedules. */
    private abstract static class Listing extends RemoteCommand {
        @Override
        void show(JsonObject answer) throws IOException {
            View view = view().row("GROUP", "WHEN", "KEEP", "NEXT", "LAST", "RESULT", "MISSED", "CHECKPOINT OR REASON");
            for (ScheduleList.Row row : answer.as(ScheduleList.class).schedules()) {
                view.row(
                        row.group().value(),
                        row.when(),
                        row.keepLast() == 0 ? "all" : Integer.toString(row.keepLast()),
                        row.next().map(CheckpointView::seconds).orElse("never"),
                        row.last().isEmpty() ? "-" : CheckpointView.seconds(row.last()),
                        row.result(),
                        Long.toString(row.missed()),
                        row.text());
            }
            view.printOr("There are no schedules.");
        }
    }

    @Command(name = "list", description = "Show the schedules and what came of them.")
    static final class ListAll extends Listing {
        @Parameters(arity = "0..1", paramLabel = "GROUP", description = "only of this group")
        private @Nullable Name group;

        @Override
        ControlCommand command() {
            return ControlCommand.SCHEDULE_LIST;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", group);
        }
    }

    @Command(name = "set", description = "Take checkpoints of a group from now on; replaces its schedule.")
    static final class Set extends Listing {
        @Parameters(paramLabel = "GROUP")
        private @Nullable Name group;

        @ArgGroup(multiplicity = "1")
        private @Nullable When when;

        @Option(
                names = "--zone",
                paramLabel = "ZONE",
                defaultValue = "UTC",
                description = "whose clock --cron is read by, as in Europe/Berlin (${DEFAULT-VALUE})")
        private String zone = "UTC";

        @Option(
                names = "--keep-last",
                paramLabel = "N",
                defaultValue = "0",
                description = "delete older ones that this schedule has taken (0: keep all)")
        private int keepLast;

        @Mixin
        private CaptureOptions capture = new CaptureOptions();

        /** One of the two. */
        private static final class When {
            @Option(names = "--every", paramLabel = "TIME", description = "an interval, as in 6h")
            private @Nullable Duration every;

            @Option(
                    names = "--cron",
                    paramLabel = "EXPRESSION",
                    description = "five fields as in crontab(5), as in \"0 3 * * *\", or @daily")
            private @Nullable String cron;
        }

        @Override
        ControlCommand command() {
            return ControlCommand.SCHEDULE_SET;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            if (capture.dryRun()) {
                throw usage("a schedule has no --dry-run; try 'holdfast checkpoint create --dry-run'");
            }
            capture.addTo(arguments, this);
            arguments.remove("dry_run");
            arguments.put("group", group);
            arguments.put("every", when == null || when.every == null ? null : Quantity.text(when.every));
            arguments.put("cron", when == null ? null : when.cron);
            arguments.put("zone", zone);
            arguments.put("keep_last", keepLast);
        }
    }

    @Command(name = "remove", description = "Take no more; the checkpoints there are stay.")
    static final class Remove extends MessageCommand {
        @Parameters(paramLabel = "GROUP")
        private @Nullable Name group;

        @Override
        ControlCommand command() {
            return ControlCommand.SCHEDULE_REMOVE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", group);
        }
    }
}
