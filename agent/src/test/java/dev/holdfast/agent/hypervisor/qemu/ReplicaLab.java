package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;

/** Nodes, each a lab of its own, on which the oracle guest runs in one place and is followed in another. */
final class ReplicaLab implements AutoCloseable, Standstill {
    static final String VM = "web";
    static final Duration BOUND = Duration.ofSeconds(20);
    static final EpochLimits LIMITS = limits(100, 10_000, 5_000, 10_000, 1L << 40, false);
    static final EpochLimits SLOW = limits(100, 60_000, 5_000, 10_000, 1 << 18, false);
    /** Memory goes over in about a minute, and is not waited for. */
    static final EpochLimits NEVER_READY = limits(1, 200, 2, 10_000, 1 << 19, false);

    static final EpochLimits IMPATIENT = limits(100, 10_000, 5_000, 1_000, 1L << 40, false);
    static final EpochLimits HOLDING = limits(100, 10_000, 5_000, 10_000, 1L << 40, true);

    final List<Lab> nodes = new ArrayList<>();
    private final EpochContent content;
    private final List<VmDefinition.Nic> nics;
    /** Where the guest runs. */
    Lab here;

    RunningVm machine;
    Primary primary;
    /** Where it is followed. */
    Lab there;

    VmDefinition thereDefinition;
    Standby standby;
    private final List<ProcessIdentity> standbys = new ArrayList<>();
    long epoch;
    private String stops = "";

    ReplicaLab(VmDefinition.Nic... nics) throws Exception {
        this(EpochContent.MEMORY_AND_DISKS, nics);
    }

    ReplicaLab(EpochContent content, VmDefinition.Nic... nics) throws Exception {
        this.content = content;
        this.nics = List.of(nics);
        here = node();
        machine =
                new QemuReplication(here.hypervisor).start(Lab.with(here.definition(VM), this.nics), StartMode.NORMAL);
        here.adopt(machine);
        here.awaitTicks(VM, 5);
        primary = new QemuReplication(here.hypervisor).primary(machine);
    }

    private static EpochLimits limits(long downtime, long length, long pause, long patience, long bytes, boolean hold) {
        return new EpochLimits(
                Duration.ofMillis(downtime),
                Duration.ofMillis(length),
                Duration.ofMillis(pause),
                Duration.ofMillis(patience),
                bytes,
                hold);
    }

    Lab node() throws Exception {
        Lab lab = new Lab();
        nodes.add(lab);
        return lab;
    }

    StandbyPlace place() {
        return new StandbyPlace(there.root.resolve("standby"));
    }

    /** A new node that follows, its disks full of something else. */
    void follow() throws Exception {
        if (standby != null) {
            standby.close();
        }
        there = node();
        Path noise = there.root.resolve("noise");
        Files.write(noise, "noise ".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII));
        Lab.run("truncate", "-s", "16M", noise.toString());
        Path d0 = there.root.resolve("layers/d0.qcow2");
        Path d1 = there.root.resolve("layers/d1.qcow2");
        for (Path disk : List.of(d0, d1)) {
            Lab.run("qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", noise.toString(), disk.toString());
        }
        thereDefinition = Lab.with(Lab.definition(VM, 64, Map.of("d0", d0, "d1", d1)), nics);
        standby = new QemuReplication(there.hypervisor).startStandby(thereDefinition, place(), content);
        standbys.add(standby.identity());
        assertThat(standby.content()).isEqualTo(content);
        stops = "";
        primary.attach(standby, 0, Progress.NONE, this);
        assertThat(stops).as("the guest ran before and after").isEqualTo("RUNNING RUNNING ");
        assertThat(primary.isComplete()).isTrue();
    }

    @Override
    public void begins(Duration longest) throws HypervisorException {
        stops += machine.status() + " ";
    }

    @Override
    public void over() throws HypervisorException {
        stops += machine.status() + " ";
    }

    EpochEnd epoch() throws Exception {
        return epoch(LIMITS);
    }

    EpochEnd epoch(EpochLimits limits) throws Exception {
        return primary.epoch(standby, ++epoch, limits);
    }

    /** As many epochs, each with some work of the guest before it. */
    void epochs(int many) throws Exception {
        for (int i = 0; i < many; i++) {
            here.awaitTicks(VM, 3);
            EpochEnd end = epoch();
            assertThat(end.outcome()).as(end.why()).isEqualTo(Outcome.COMMITTED);
            assertThat(end.pause()).isPositive();
            assertThat(end.bytes()).isPositive();
        }
    }

    /**
     * What a guest had printed that ended, or stands still.
     *
     * @param tick the number in its last whole line
     * @param begun what there is of the line after that: a guest that goes on from there prints the rest of it
     */
    record Printed(long tick, String begun) {
        static Printed by(Lab lab) throws IOException {
            String all = lab.printed(VM);
            int whole = all.lastIndexOf('\n') + 1;
            long[] ticks = ticks(all.substring(0, whole));
            return new Printed(ticks[ticks.length - 1], all.substring(whole));
        }
    }

    /** The first number of a guest that goes on from there. */
    static long firstTickAfter(Printed before, Lab lab) throws IOException {
        return ticks(before.begun() + lab.printed(VM))[0];
    }

    /** The first number that the guest has printed as a whole. */
    static long firstTick(Lab lab) throws IOException {
        return ticks(lab.printed(VM))[0];
    }

    private static long[] ticks(String printed) {
        return printed.lines()
                .filter(line -> line.matches("T[0-9A-F]{8}"))
                .mapToLong(line -> Long.parseLong(line.substring(1), 16))
                .toArray();
    }

    void findStandby() throws Exception {
        standby = new QemuReplication(there.hypervisor)
                .findStandby(thereDefinition, place())
                .orElseThrow();
    }

    private Monitor monitor() {
        return ((QemuVm) machine).monitor();
    }

    /** Stands in for a guest that shuts down when it is asked to: by what such a guest writes to its chip set. */
    boolean shutDown() throws Exception {
        try (QmpEvents asked = monitor().client().subscribe("POWERDOWN")) {
            CompletableFuture<Boolean> down = CompletableFuture.supplyAsync(() -> {
                try {
                    return primary.shutDown(BOUND);
                } catch (HypervisorException e) {
                    throw new AssertionError(e);
                }
            });
            assertThat(monitor().await(asked, e -> true, BOUND)).isPresent();
            monitor().call("human-monitor-command", Map.of("command-line", "o/h 0x604 0x2000"));
            return down.join();
        }
    }

    /** One packet, as from the guest. */
    void say() throws Exception {
        monitor().call("announce-self", Map.of("initial", 1, "max", 1, "rounds", 1, "step", 0));
    }

    /** To be run beside an epoch. */
    void killWhenMemoryComes() {
        Awaitility.await().pollInterval(Duration.ofMillis(5)).atMost(BOUND).until(() -> {
            QmpValue info = new Migration(monitor()).query();
            return info.path("status").asText().equals("active")
                    && info.path("ram").path("transferred").asLong() > 50_000;
        });
        machine.identity().process().orElseThrow().signal(true);
    }

    /** To be run beside an epoch: what a primary's agent does all the time. */
    void cutWhenItDoesNotBeat() {
        Awaitility.await().pollInterval(Duration.ofMillis(50)).atMost(BOUND).until(() -> {
            try {
                standby.beat(Duration.ofMillis(300));
                return false;
            } catch (HypervisorException e) {
                return true;
            }
        });
        try {
            primary.cut();
        } catch (HypervisorException e) {
            throw new AssertionError(e);
        }
    }

    void cutAndDetach() throws Exception {
        long start = System.nanoTime();
        primary.cut();
        primary.detach(BOUND);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND);
        assertThat(primary.isAttached()).isFalse();
        here.awaitTicks(VM, 10);
    }

    /** Something on the second disk where the guest does not write. */
    void write(int pattern, String from, String bytes) throws Exception {
        String command = "qemu-io -d /machine/peripheral/%s/virtio-backend \"write -P %d %s %s\""
                .formatted(BlockGraph.device("d1"), pattern, from, bytes);
        // What it prints goes to the process's own output; only an error is an answer.
        assertThat(monitor()
                        .call("human-monitor-command", Map.of("command-line", command))
                        .asText())
                .isEmpty();
    }

    /** Keeps what the disks of the machine hold, whose guest stands still. */
    Map<String, Path> copyOfDisks() throws Exception {
        Map<String, Path> copies = new LinkedHashMap<>();
        for (Map.Entry<String, Path> disk : Lab.active(machine).entrySet()) {
            Path copy = here.root.resolve(disk.getKey() + ".copy");
            Lab.run("qemu-img", "convert", "-U", "-O", "raw", disk.getValue().toString(), copy.toString());
            copies.put(disk.getKey(), copy);
        }
        return copies;
    }

    /** The standby's disks, whose process has ended, are exactly that. */
    void comparesWith(Map<String, Path> copies) throws Exception {
        for (VmDefinition.Disk disk : thereDefinition.disks()) {
            String copy = copies.get(disk.id()).toString();
            Lab.run("qemu-img", "check", "-q", disk.path().toString());
            Lab.run(
                    "qemu-img",
                    "compare",
                    "-f",
                    "raw",
                    "-F",
                    "qcow2",
                    copy,
                    disk.path().toString());
        }
    }

    /** Ends a process in order, so that its disks are whole in their files. */
    static void end(ProcessIdentity process) throws Exception {
        Lab.signal(process, "TERM");
        Awaitility.await().atMost(BOUND).until(() -> !process.isAlive());
    }

    /** The standby goes on; it is the machine then. The oracle must find memory and both disks of one moment. */
    void failOver() throws Exception {
        assertThat(machine.isAlive()).isFalse();
        machine = standby.failOver(standby.committed().orElseThrow());
        assertThat(place().directory().toFile().list((directory, name) -> name.matches("memory-[01]")))
                .as("the guest's own memory would be there a third time")
                .hasSize(content == EpochContent.MEMORY_AND_DISKS ? 1 : 0);
        machine.resume();
        goesOn();
    }

    /** The same of one that rests: from its memory, if it has any. */
    void wake() throws Exception {
        assertThat(standby.identity().isAlive()).isFalse();
        assertThat(machine.isAlive()).isFalse();
        QemuReplication replication = new QemuReplication(there.hypervisor);
        Replication.AtRest rest = replication.atRest(thereDefinition, place()).orElseThrow();
        assertThat(rest.epoch()).isEqualTo(epoch);
        machine = replication.start(
                thereDefinition, rest.memory().map(StartMode::restore).orElse(StartMode.PAUSED));
        machine.resume();
        machine.relocation().announce();
        goesOn();
    }

    private void goesOn() throws Exception {
        there.adopt(machine);
        there.awaitTicks(VM, 20);
        boolean booted = there.console(VM).stream().anyMatch(l -> l.contains("START"));
        assertThat(booted).isEqualTo(content == EpochContent.DISKS);
        assertThat(there.console(VM)).noneMatch(l -> l.contains("BAD"));
        QemuReplication replication = new QemuReplication(there.hypervisor);
        replication.settle(machine, place(), BOUND);
        assertThat(place().directory()).isEmptyDirectory();
        here = there;
        primary = new QemuReplication(here.hypervisor).primary(machine);
    }

    @Override
    public void close() throws Exception {
        for (ProcessIdentity process : standbys) {
            if (process.isAlive()) {
                process.signal(true);
            }
        }
        for (Lab node : nodes) {
            node.close();
        }
    }
}
