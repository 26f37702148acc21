package dev.holdfast.agent.migration;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.agent.snapshot.chain.ArrivingChain;
import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.tunnel.Door;
import dev.holdfast.agent.tunnel.SealedConnection;
import dev.holdfast.agent.tunnel.Secret;
import dev.holdfast.agent.tunnel.Threshold;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The copies of a machine's disks on their way in, and the memory with them. One thread, but for those who call at the door. */
final class IncomingDisks {
    private static final Logger LOG = LoggerFactory.getLogger(IncomingDisks.class);
    private static final Duration SILENCE = Duration.ofSeconds(30);
    /** The sender gives up if nothing is taken for some time, as while much is flushed at once. */
    private static final long UNFLUSHED = 64L << 20;

    private final NodeTools tools;
    private final VmDefinition machine;
    private final ArrivingChain chain;
    private final Map<String, DiskExport> exports = new ConcurrentHashMap<>();
    private @Nullable Door door;
    private volatile boolean reading = true;

    private IncomingDisks(NodeTools tools, VmDefinition machine, ArrivingChain chain) {
        this.tools = tools;
        this.machine = machine;
        this.chain = chain;
    }

    /** Where the source may call. */
    record Opening(int port, Secret secret) {}

    static IncomingDisks begin(NodeTools tools, VmDefinition machine, String move, Freight freight) throws IOException {
        Path directory = OutgoingDisks.directory(machine);
        notes(tools).received(move);
        return new IncomingDisks(tools, machine, ArrivingChain.begin(directory, move, freight));
    }

    private static CopyNotes notes(NodeTools tools) {
        return new CopyNotes(tools.stateDirectory());
    }

    /**
     * What an earlier life of the agent has begun; empty if the disks are shared, or nothing is left.
     *
     * @throws IOException it is not known what there is: if the machine was taken over, its newest disks may be there
     */
    static Optional<IncomingDisks> find(NodeTools tools, VmDefinition machine, String move) throws IOException {
        if (!notes(tools).wasReceived(move)) {
            return Optional.empty();
        }
        Path directory = OutgoingDisks.directory(machine);
        Optional<ArrivingChain> chain = ArrivingChain.find(directory, move);
        if (chain.isEmpty() && notes(tools).wasTaken(move) && !DurableFile.isThere(directory.resolve("head"))) {
            throw new IOException(directory + " has no head; is its storage mounted?");
        }
        return chain.map(found -> new IncomingDisks(tools, machine, found));
    }

    /** Whether there was a copy, and it cannot have become the machine's. */
    static boolean cameToNothing(NodeTools tools, String move) throws IOException {
        return notes(tools).wasReceived(move) && !notes(tools).wasTaken(move);
    }

    Opening open(String address) throws IOException {
        Secret secret = Secret.fresh();
        Door opened = new Threshold(address, tools.ports()).open(secret, this::serve);
        door = opened;
        return new Opening(opened.port(), secret);
    }

    private Door.Served serve(Door at, SealedConnection connection) throws IOException {
        String purpose = connection.purpose();
        if (purpose.startsWith(OutgoingDisks.PART)) {
            receive(connection, purpose.substring(OutgoingDisks.PART.length()));
            return Door.Served.WHOLLY;
        }
        if (purpose.equals(OutgoingDisks.FLUSH)) {
            chain.flush();
            connection.welcome();
            return Door.Served.WHOLLY;
        }
        if (purpose.equals(OutgoingDisks.MEMORY)) {
            at.join(connection, memory());
            return Door.Served.JOINED;
        }
        DiskExport export = exports.get(purpose.replace(OutgoingDisks.DISK, ""));
        if (export == null) {
            throw new IOException("nobody waits for \"" + purpose + "\"");
        }
        at.join(connection, export.socket());
        return Door.Served.JOINED;
    }

    /** What is all zeros takes no room. */
    private void receive(SealedConnection connection, String part) throws IOException {
        Path file = reading ? chain.file(part) : Path.of("");
        if (!reading) {
            throw new IOException("no parts are taken any more");
        }
        connection.patience(SILENCE);
        try (FileChannel to = FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            connection.welcome();
            long at = 0;
            long flushed = 0;
            byte[] last = new byte[0];
            for (byte[] bytes = connection.receive(); bytes != null; bytes = connection.receive()) {
                if (!isZero(bytes)) {
                    write(to, bytes, at);
                }
                at += bytes.length;
                last = bytes;
                if (at - flushed > UNFLUSHED) {
                    to.force(false);
                    flushed = at;
                }
            }
            // The last block gives the file its length.
            write(to, last, at - last.length);
            to.force(true);
        }
        connection.welcome();
        connection.end();
    }

    private static boolean isZero(byte[] bytes) {
        for (byte one : bytes) {
            if (one != 0) {
                return false;
            }
        }
        return true;
    }

    private static void write(FileChannel to, byte[] bytes, long at) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            to.write(buffer, at + buffer.position());
        }
    }

    /**
     * All that is frozen is here: makes the images, and serves them.
     *
     * @return the machine as its process is to open it until there is a head
     */
    VmDefinition complete() throws IOException {
        reading = false;
        Map<String, Path> files = chain.complete(new QemuImages("qemu-img"), tools.clock());
        for (VmDefinition.Disk disk : machine.disks()) {
            Path file = files.get(disk.id());
            if (file == null) {
                throw new IOException("disk " + disk.id() + " is not among what came over");
            }
            exports.put(disk.id(), DiskExport.start(disk.id(), file.toRealPath(), directory(), tools.nanoClock()));
        }
        List<VmDefinition.Disk> disks = new ArrayList<>();
        machine.disks().forEach(disk -> disks.add(new VmDefinition.Disk(disk.id(), files.get(disk.id()))));
        return machine.withDisks(disks);
    }

    private Path directory() {
        return tools.runDirectory().apply(machine.name());
    }

    /** Where the process waits for the memory. */
    Path memory() {
        return directory().resolve("copy-memory.sock");
    }

    /** Whether nobody writes to the copies any more, and all of it is on the disk. Waits for it. */
    boolean areClosed(Duration patience) {
        return exports.size() == machine.disks().size()
                && new TreeMap<>(exports).values().stream().allMatch(export -> export.hasEndedWell(patience));
    }

    /** They are the machine's. Noted first: who asks after that is told that it may have run. */
    void own() throws IOException {
        notes(tools).taken(chain.operation());
        chain.own();
    }

    /** They are not, and never were. */
    void disown() throws IOException {
        chain.disown();
        notes(tools).notTaken(chain.operation());
    }

    /** Cuts the source off, and ends what served it. */
    void shut() throws IOException {
        Door opened = door;
        if (opened != null) {
            opened.close();
        }
        for (VmDefinition.Disk disk : machine.disks()) {
            DiskExport export = exports.get(disk.id());
            if (export != null) {
                export.close();
            }
            DiskExport.end(directory(), disk.id());
        }
        Files.deleteIfExists(memory());
    }

    /**
     * The move is over.
     *
     * @param machines whether they are the machine's; otherwise no machine has run from them, and they go
     */
    void settle(boolean machines) throws IOException {
        if (machines) {
            chain.keep();
        } else {
            chain.giveUp();
        }
    }

    /** Puts right what moves that are over have left of a machine's disks, and removes it. Returns at once. */
    static void tidy(NodeTools tools, VmDefinition machine) {
        LeftChain.of(machine)
                .chain()
                .ifPresent(directory -> inBackground(tools, machine, () -> {
                    ArrivingChain.tidy(
                            directory,
                            () -> tools.claims().holder(machine.name()).isEmpty());
                    ArrivingChain.sweep(directory);
                }));
    }

    /** Removes what is not needed any more: whole chains, which takes its time. Returns at once. */
    static void sweep(NodeTools tools, VmDefinition machine) {
        LeftChain.of(machine)
                .chain()
                .ifPresent(directory -> inBackground(tools, machine, () -> ArrivingChain.sweep(directory)));
    }

    private interface Work {
        void go() throws IOException;
    }

    private static void inBackground(NodeTools tools, VmDefinition machine, Work work) {
        try {
            tools.background().execute(() -> {
                try {
                    work.go();
                } catch (IOException e) {
                    LOG.warn("{}: something that a move has left stays: {}", machine.name(), e.getMessage());
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: the agent ends; the next one does it", machine.name());
        }
    }
}
