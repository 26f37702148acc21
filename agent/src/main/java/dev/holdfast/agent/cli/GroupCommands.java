package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.GroupList;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code holdfast group}: which machines are checkpointed together. */
@Command(
        name = "group",
        description = "Groups: which machines are checkpointed together.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            GroupCommands.ListAll.class,
            GroupCommands.Show.class,
            GroupCommands.Add.class,
            GroupCommands.Remove.class
        })
final class GroupCommands {

    /** A command that answers with groups. */
    private abstract static class Groups extends RemoteCommand {
        @Override
        void show(JsonObject answer) throws IOException {
            View view = view().row("GROUP", "VM", "NODE", "STATE");
            for (GroupList.Group group : answer.as(GroupList.class).groups()) {
                for (GroupList.Member member : group.members()) {
                    view.row(group.name().value(), member.vm().value(), member.node(), member.state());
                }
                if (group.members().isEmpty()) {
                    view.row(group.name().value(), "-", "-", "-");
                }
            }
            view.printOr("There are no groups.");
        }
    }

    @Command(name = "list", description = "List the groups and their machines.")
    static final class ListAll extends Groups {
        @Override
        ControlCommand command() {
            return ControlCommand.GROUP_LIST;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {}
    }

    @Command(name = "show", description = "Show one group.")
    static final class Show extends Groups {
        @Parameters(paramLabel = "GROUP")
        private @Nullable Name group;

        @Override
        ControlCommand command() {
            return ControlCommand.GROUP_SHOW;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", group);
        }
    }

    /** A command about one machine and one group. */
    private abstract static class Membership extends Groups {
        @Parameters(index = "0", paramLabel = "GROUP")
        private @Nullable Name group;

        @Parameters(index = "1", paramLabel = "MACHINE")
        private @Nullable Name vm;

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", group);
            arguments.put("vm", vm);
        }
    }

    @Command(name = "add", description = "Add a machine to a group.")
    static final class Add extends Membership {
        @Override
        ControlCommand command() {
            return ControlCommand.GROUP_ADD;
        }
    }

    @Command(name = "remove", description = "Remove a machine from a group.")
    static final class Remove extends Membership {
        @Override
        ControlCommand command() {
            return ControlCommand.GROUP_REMOVE;
        }
    }
}
