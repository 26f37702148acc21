package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The snapshots of a machine that does not run as a program, for file systems that only another kernel has: {@code DIRECTORY ACTION...}, where an
 * action is {@code adopt:IMAGE}, {@code create:NAME}, {@code revert:NAME}, {@code delete:NAME}, {@code sum:NAME}, {@code sum:head} or {@code storage:}.
 */
final class ChainProgram {
    private static final Commands TOOLS = new HostCommands();
    private static final Duration TOOL = Duration.ofSeconds(60);

    private ChainProgram() {}

    public static void main(String[] arguments) throws Exception {
        StoppedMachine machine = new StoppedMachine(Path.of(arguments[0]), Keep.AUTO);
        for (String argument : List.of(arguments).subList(1, arguments.length)) {
            String[] action = argument.split(":", 2);
            if (action[0].equals("adopt")) {
                machine.adopt(Path.of(action[1]));
            } else {
                run(machine, action[0], action[1]);
            }
        }
        VmSnapshots vm = machine.snapshots(TOOLS);
        if (!vm.look().isClean()) {
            throw new IllegalStateException("not clean: " + vm.look());
        }
        for (SnapshotInfo each : vm.list()) {
            Verification verification = vm.verify(each.snapshot().name(), Progress.NONE);
            if (!verification.isGood()) {
                throw new IllegalStateException(verification.toString());
            }
        }
    }

    private static void run(StoppedMachine machine, String action, String name) throws Exception {
        VmSnapshots vm = machine.snapshots(TOOLS);
        switch (action) {
            case "create" -> {
                StoppedMachine.create(vm, name);
                vm.compact("op", Progress.NONE, () -> false);
            }
            case "revert" -> vm.revert("op-" + name, new Name(name), false, Progress.NONE);
            case "delete" -> vm.delete("op-" + name, new Name(name), Progress.NONE);
            case "sum" -> System.out.println(sum(vm, name));
            case "storage" -> System.out.println(machine.storage(TOOLS));
            default -> throw new IllegalArgumentException(action);
        }
    }

    private static String sum(VmSnapshots vm, String name) throws Exception {
        ChainDirectory chain = vm.chain();
        Generation layers = name.equals("head")
                ? chain.head()
                : chain.snapshots().get(new Name(name)).layers();
        Path image = chain.file(layers.layers().get("d0"));
        String script = "qemu-img convert -O raw \"$1\" /tmp/content && md5sum </tmp/content";
        Ended ended = TOOLS.run(List.of("sh", "-ec", script, "sum", image.toString()), TOOL);
        if (ended.status() != 0) {
            throw new IOException(ended.output());
        }
        return ended.output();
    }
}
