package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** Nodes, each a lab of its own, on which the oracle guest runs in one place and is followed in another. */
final class ReplicaLab implements AutoCloseable {
    static final String VM = "web";
    static final Duration BOUND = Duration.ofSeconds(20);
    static final EpochLimits LIMITS = limits(100, 10_000, 5_000, 10_000, 1L << 40, false);
    static final EpochLimits SLOW = limits(100, 60_000, 5_000, 10_000, 1 << 18, false);
    /** Memory goes over in about a minute, and is not waited for. */
    static final EpochLimits NEVER_READY = limits(1, 200, 2, 10_000, 1 << 19, false);

    static final EpochLimits IMPATIENT = limits(100, 10_000, 5_000, 1_000, 1L << 40, false);
    static final EpochLimits HOLDING = limits(100, 10_000, 5_000, 10_000, 1L << 40, true);

    final List<Lab> nodes = new ArrayList<>();
    private final List<VmDefinition.Nic> nics;
    /** Where the guest runs. */
    Lab here;

    RunningVm machine;
    Primary primary;
    /** Where it is followed. */
    Lab there;

    VmDefinition thereDefinition;
    Standby standby;
    long epoch;

    ReplicaLab(VmDefinition.Nic... nics) throws Exception {
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
        standby = new QemuReplication(there.hypervisor).startStandby(thereDefinition, place());
        primary.attach(standby, 0, Progress.NONE);
        assertThat(primary.isComplete()).isTrue();
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

    /** The number the guest has printed last. */
    static long lastTick(Lab lab) throws Exception {
        List<String> lines = lab.console(VM);
        String last = lines.get(lines.size() - 1);
        return last.matches("T[0-9A-F]{8}") ? Long.parseLong(last.substring(1), 16) : -1;
    }

    static long firstTick(Lab lab) throws Exception {
        try (Stream<String> lines = lab.console(VM).stream()) {
            return lines.filter(l -> l.matches("T[0-9A-F]{8}"))
                    .mapToLong(l -> Long.parseLong(l.substring(1), 16))
                    .findFirst()
                    .orElse(-1);
        }
    }

    void findStandby() throws Exception {
        standby = new QemuReplication(there.hypervisor)
                .findStandby(thereDefinition, place())
                .orElseThrow();
    }

    private Monitor monitor() {
        return ((QemuVm) machine).monitor();
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
        machine.identity().signal(true);
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

    /** The standby goes on; it is the machine then. The oracle must find memory and both disks of one moment. */
    void failOver() throws Exception {
        assertThat(machine.isAlive()).isFalse();
        machine = standby.failOver(standby.committed().orElseThrow());
        machine.resume();
        goesOn();
    }

    /** The same of one that rests: from its memory. */
    void wake() throws Exception {
        assertThat(standby.identity().isAlive()).isFalse();
        assertThat(machine.isAlive()).isFalse();
        QemuReplication replication = new QemuReplication(there.hypervisor);
        Replication.AtRest rest = replication.atRest(thereDefinition, place()).orElseThrow();
        assertThat(rest.epoch()).isEqualTo(epoch);
        machine = replication.start(thereDefinition, StartMode.restore(rest.memory()));
        machine.resume();
        machine.relocation().announce();
        goesOn();
    }

    private void goesOn() throws Exception {
        there.adopt(machine);
        there.awaitTicks(VM, 20);
        assertThat(there.console(VM)).noneMatch(l -> l.contains("START")).noneMatch(l -> l.contains("BAD"));
        QemuReplication replication = new QemuReplication(there.hypervisor);
        replication.settle(machine, place(), BOUND);
        assertThat(place().directory()).isEmptyDirectory();
        here = there;
        primary = new QemuReplication(here.hypervisor).primary(machine);
    }

    @Override
    public void close() throws Exception {
        if (standby != null && standby.identity().isAlive()) {
            standby.identity().signal(true);
        }
        for (Lab node : nodes) {
            node.close();
        }
    }
}
