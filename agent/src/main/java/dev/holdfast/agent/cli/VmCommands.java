package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.Console;
import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.control.reply.VmList;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code holdfast vm}: the machines of this node. */
@Command(
        name = "vm",
        description = "The machines of this node.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            VmCommands.ListAll.class,
            VmCommands.Show.class,
            VmCommands.Start.class,
            VmCommands.Stop.class,
            VmCommands.Freeze.class,
            VmCommands.Thaw.class,
            VmCommands.Migrate.class,
            VmCommands.MigrateFrom.class,
            VmCommands.Terminal.class,
            VmCommands.ImportDisk.class,
            AdoptCommand.class,
            ReplicationCommands.Show.class,
            ReplicationCommands.Switchover.class,
            ReplicationCommands.Resync.class
        })
final class VmCommands {

    @Command(name = "list", description = "List the machines.")
    static final class ListAll extends RemoteCommand {
        @Override
        ControlCommand command() {
            return ControlCommand.VM_LIST;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {}

        @Override
        void show(JsonObject answer) throws IOException {
            View view = view().row("NAME", "NODE", "GROUP", "STATE", "PID", "CPUS", "MEMORY", "OPERATION");
            VmList list = answer.as(VmList.class);
            for (VmDetails vm : list.vms()) {
                view.row(
                        vm.name().value(),
                        vm.node().value(),
                        vm.group().orElse("-"),
                        vm.state(),
                        vm.pid().map(String::valueOf).orElse("-"),
                        vm.cpus() == 0 ? "-" : Integer.toString(vm.cpus()),
                        vm.memoryBytes() == 0 ? "-" : View.size(vm.memoryBytes()),
                        vm.operation());
            }
            view.printOr("This node has no machines; write a file in its vms directory and restart the agent.");
            if (!list.unreadable().isEmpty()) {
                showUnreadable(list.unreadable());
            }
        }

        private void showUnreadable(List<VmList.Unreadable> unreadable) {
            View view = view().row("NOT READABLE", "GROUP", "BECAUSE");
            for (VmList.Unreadable file : unreadable) {
                String groups = String.join(", ", file.groups()) + (file.anyGroup() ? " (any?)" : "");
                view.row(file.vm().orElse(file.file()), groups.isEmpty() ? "-" : groups.strip(), file.because());
            }
            view.print();
            environment()
                    .err()
                    .println("This node is degraded: correct these files, then 'systemctl restart holdfast'.");
        }
    }

    /** A command about one machine that answers with the machine. */
    private abstract static class OneVm extends RemoteCommand {
        @Parameters(paramLabel = "MACHINE")
        private @Nullable Name vm;

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", vm);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            VmDetails details = answer.as(VmDetails.class);
            environment().out().println("%s is %s.".formatted(details.name(), details.state()));
        }
    }

    @Command(name = "show", description = "Show a machine and its disks.")
    static final class Show extends OneVm {
        @Override
        ControlCommand command() {
            return ControlCommand.VM_SHOW;
        }

        @Override
        void show(JsonObject answer) throws IOException {
            VmDetails vm = answer.as(VmDetails.class);
            view().property("Machine", vm.name().value())
                    .property("Node", vm.node().value())
                    .property("Group", vm.group().orElse(""))
                    .property("State", vm.state())
                    .property("Process", vm.pid().map(String::valueOf).orElse(""))
                    .property("Type", type(vm))
                    .property("Hypervisor", vm.hypervisor())
                    .property("Operation", vm.operation())
                    .print();
            View disks = view().row("DISK", "LAYERS", "SIZE", "KEPT AS", "PATH", "WRITTEN NOW");
            for (VmDetails.Disk disk : vm.disks()) {
                disks.row(
                        disk.id(),
                        Integer.toString(disk.layers()),
                        View.size(disk.bytes()),
                        disk.kept(),
                        disk.path(),
                        disk.layer());
            }
            disks.printOr("It has no disks.");
        }

        /** Nothing of a domain of libvirt that does not run. */
        private static String type(VmDetails vm) {
            return vm.machine().isEmpty()
                    ? ""
                    : "%s, %d cpus, %s".formatted(vm.machine(), vm.cpus(), View.size(vm.memoryBytes()));
        }
    }

    @Command(name = "start", description = "Start a machine.")
    static final class Start extends OneVm {
        @Option(names = "--paused", description = "do not let it run yet")
        private boolean paused;

        @Override
        ControlCommand command() {
            return ControlCommand.VM_START;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            super.arguments(arguments);
            arguments.put("paused", paused);
        }
    }

    @Command(name = "stop", description = "Stop a machine: ask the guest first, then insist.")
    static final class Stop extends OneVm {
        @Option(names = "--timeout", paramLabel = "TIME", description = "how long the guest may take")
        private @Nullable Duration timeout;

        @Option(
                names = "--force",
                description = "also if pacemaker manages it; do not ask the guest, unless with --timeout")
        private boolean force;

        @Override
        ControlCommand command() {
            return ControlCommand.VM_STOP;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            super.arguments(arguments);
            arguments.put("timeout", timeout == null ? null : Quantity.text(timeout));
            arguments.put("force", force);
        }
    }

    @Command(name = "freeze", description = "Hold a machine still; the guard lets it run after the deadline.")
    static final class Freeze extends OneVm {
        @Option(names = "--deadline", paramLabel = "TIME", description = "when the guard lets it run (as configured)")
        private @Nullable Duration deadline;

        @Override
        ControlCommand command() {
            return ControlCommand.VM_FREEZE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            super.arguments(arguments);
            arguments.put("deadline", deadline == null ? null : Quantity.text(deadline));
        }
    }

    @Command(
            name = "thaw",
            description = "Let a machine run that was frozen. '--all' instead of its name: all, without agent.")
    static final class Thaw extends OneVm {
        @Override
        ControlCommand command() {
            return ControlCommand.VM_THAW;
        }
    }

    @Command(
            name = "migrate",
            description = "Move a machine to another node while it runs. Under pacemaker use 'crm resource move'.")
    static final class Migrate extends MessageCommand {
        @Parameters(paramLabel = "MACHINE")
        private @Nullable Name vm;

        @Option(names = "--to", paramLabel = "NODE", required = true, description = "the node that is to run it")
        private @Nullable Name target;

        @Option(names = "--bandwidth", paramLabel = "SIZE", description = "bytes a second at most (as configured)")
        private @Nullable String bandwidth;

        @Option(names = "--downtime", paramLabel = "TIME", description = "how long it may stand still (as configured)")
        private @Nullable Duration downtime;

        @Option(names = "--timeout", paramLabel = "TIME", description = "for all of it (as configured)")
        private @Nullable Duration timeout;

        @Option(
                names = "--copy-disks",
                description = "copy the disks and checkpoints, too; without it both nodes share them")
        private boolean copyDisks;

        @Option(names = "--force", description = "also if pacemaker manages it")
        private boolean force;

        @Override
        ControlCommand command() {
            return ControlCommand.VM_MIGRATE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", vm);
            arguments.put("to", target);
            arguments.put("bandwidth", bandwidth);
            arguments.put("downtime", downtime == null ? null : Quantity.text(downtime));
            arguments.put("timeout", timeout == null ? null : Quantity.text(timeout));
            arguments.put("copy_disks", copyDisks ? true : null);
            arguments.put("force", force ? true : null);
        }
    }

    @Command(name = "migrate-from", description = "Wait until a machine that another node moves here runs here.")
    static final class MigrateFrom extends MessageCommand {
        @Parameters(paramLabel = "MACHINE")
        private @Nullable Name vm;

        @Option(names = "--timeout", paramLabel = "TIME", description = "how long (10 s)")
        private @Nullable Duration timeout;

        @Override
        ControlCommand command() {
            return ControlCommand.VM_MIGRATE_FROM;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", vm);
            arguments.put("timeout", timeout == null ? null : Quantity.text(timeout));
        }
    }

    @Command(
            name = "console",
            description = "Talk to a machine's serial console (Ctrl-] ends it), or watch one that is only written.")
    static final class Terminal extends OneVm {
        @Override
        ControlCommand command() {
            return ControlCommand.VM_CONSOLE;
        }

        @Override
        void show(JsonObject answer) throws IOException {
            Console console = answer.as(Console.class);
            String end = console.output().orElse(console.socket());
            if (!environment().mayRead(Path.of(end))) {
                throw new IOException(
                        "the console cannot be opened: %s is for root alone; run this as root, for instance with sudo"
                                .formatted(end));
            }
            List<String> talk = List.of("socat", "-,raw,echo=0,escape=0x1d", "UNIX-CONNECT:" + console.socket());
            if (console.output().isPresent()) {
                environment().err().println("holdfast: nobody can talk to it: this is what it writes; Ctrl-C ends it");
            }
            try {
                environment()
                        .run(console.output()
                                .map(file -> List.of("tail", "-n", "40", "-F", file))
                                .orElse(talk));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("the console was interrupted");
            }
        }
    }

    @Command(
            name = "import-disk",
            description = "Make an image the first layer of a machine's chain: a copy of it, or itself.")
    static final class ImportDisk extends MessageCommand {
        @Parameters(index = "0", paramLabel = "MACHINE")
        private @Nullable Name vm;

        @Parameters(index = "1", paramLabel = "DISK", description = "id of the disk in the machine's definition")
        private String disk = "";

        @Parameters(index = "2", paramLabel = "FILE", description = "an image that nobody uses meanwhile")
        private Path file = Path.of("");

        @Option(
                names = "--in-place",
                description = "take a raw file (it is moved) or a block device as it is, instead of a copy")
        private boolean inPlace;

        @Override
        ControlCommand command() {
            return ControlCommand.VM_IMPORT_DISK;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", vm);
            arguments.put("disk", disk);
            arguments.put("file", file.toAbsolutePath().normalize());
            arguments.put("in_place", inPlace ? true : null);
        }
    }
}
