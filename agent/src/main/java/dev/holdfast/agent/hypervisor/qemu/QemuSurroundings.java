package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.qmp.QmpValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a QEMU process tells of things that a capture does not cover.
 *
 * <p>QEMU takes what comes in over a character device while the processors stand still: a byte on the serial line of a stopped
 * machine changes its device (seen on 7.2). So a member that runs again could reach into one that is not captured yet, and
 * machines that are wired to each other so are told apart by the names of their sockets ({@code query-chardev}).
 *
 * @param monitor the process
 * @param vm its definition
 */
record QemuSurroundings(Monitor monitor, VmDefinition vm) {
    /** Character devices that Holdfast makes itself. */
    private static final Set<String> OWN =
            Set.of("qmp-mon", "guard-mon", "rescue-mon", "console0", "qga0", "compat_monitor0");

    /** Kinds of which QEMU does not say what is at the other end. */
    private static final Set<String> BLIND = Set.of("udp", "pipe", "serial", "parallel");

    private static final String UNCONNECTED = "disconnected:";
    private static final String UNNAMED = "unix:";
    private static final String CONNECTED = " <-> ";

    Surroundings look(boolean memory) throws HypervisorException {
        List<String> obstacles = new ArrayList<>();
        List<String> ties = new ArrayList<>();
        disks(obstacles);
        if (memory) {
            migration(obstacles);
            wires(obstacles, ties);
        }
        return new Surroundings(obstacles, ties);
    }

    private void migration(List<String> obstacles) throws HypervisorException {
        QmpValue info = new Migration(monitor).query();
        if (Migration.isBusy(info)) {
            obstacles.add(
                    ("%s is being migrated, or a capture that was given up is still being written (QEMU says '%s');"
                                    + " wait for it")
                            .formatted(vm.name(), info.path("status").asText()));
        }
        for (QmpValue reason : info.path("blocked-reasons")) {
            obstacles.add(
                    "%s has a device whose state QEMU cannot save (%s); take it out of extra_args and start the machine anew, or use --disk-only"
                            .formatted(vm.name(), reason.asText()));
        }
    }

    /** A writable disk that is no disk of the definition is in no layer, and may be another machine's as well. */
    private void disks(List<String> obstacles) throws HypervisorException {
        Set<String> own =
                vm.disks().stream().map(disk -> BlockGraph.device(disk.id())).collect(Collectors.toSet());
        for (QmpValue device : monitor.call("query-block")) {
            QmpValue inserted = device.path("inserted");
            String place =
                    device.path("qdev").asText() + "/" + device.path("device").asText();
            boolean ours = Stream.of(place.split("/")).anyMatch(own::contains);
            // What is in a flash device is part of the memory image, and written out again when that is loaded.
            boolean flash = place.contains("flash");
            if (inserted.isObject()
                    && !ours
                    && !flash
                    && !inserted.path("ro").asText().equals("true")) {
                obstacles.add(
                        ("%s writes to a disk that no checkpoint holds: %s (from extra_args). Define it as a [[disk]] of"
                                        + " its own, or make it read-only; a disk that several machines write cannot be part of"
                                        + " a checkpoint")
                                .formatted(vm.name(), inserted.path("file").asText()));
            }
        }
    }

    private void wires(List<String> obstacles, List<String> ties) throws HypervisorException {
        for (QmpValue device : monitor.call("query-chardev", Map.of())) {
            String label = device.path("label").asText();
            String where = end(label, device.path("filename").asText());
            if (OWN.contains(label)) {
                continue;
            }
            if (BLIND.contains(where)) {
                obstacles.add(
                        ("%s has a character device %s (%s, from extra_args) and QEMU does not tell who is at its other"
                                        + " end: another member could write into a machine that stands still. Use a socket"
                                        + " instead, take it out, or use --disk-only")
                                .formatted(vm.name(), label, where));
            }
            tie(where).forEach(ties::add);
        }
    }

    /** A connected client of a UNIX socket shows its own address, which is none (seen on 7.2): the path is in the object. */
    private String end(String label, String filename) throws HypervisorException {
        if (!filename.equals(UNNAMED)) {
            return filename;
        }
        QmpValue address = monitor.call("qom-get", Map.of("path", "/chardevs/" + label, "property", "addr"));
        return UNNAMED + address.path("path").asText();
    }

    /** The same words at both ends: the path of a UNIX socket or terminal, or both addresses of a connection. */
    private static Stream<String> tie(String filename) {
        boolean unconnected = filename.startsWith(UNCONNECTED);
        String where = unconnected ? filename.substring(UNCONNECTED.length()) : filename;
        if (where.startsWith(UNNAMED) || where.startsWith("pty:")) {
            return Stream.of("character device " + where.split(",", 2)[0]);
        }
        int between = where.indexOf(CONNECTED);
        if (unconnected || between < 0) {
            return Stream.empty();
        }
        String from = where.substring(where.indexOf(':') + 1, between).split(",", 2)[0];
        String to = where.substring(between + CONNECTED.length());
        return Stream.of("character device tcp " + Stream.of(from, to).sorted().collect(Collectors.joining(" to ")));
    }
}
