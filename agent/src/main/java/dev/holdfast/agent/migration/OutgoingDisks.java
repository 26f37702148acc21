package dev.holdfast.agent.migration;

import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.tunnel.Gateway;
import dev.holdfast.agent.tunnel.Secret;
import dev.holdfast.agent.vm.ManagedVm;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/** The copies of a machine's disks on their way out. One thread; {@link #close()} from any. */
final class OutgoingDisks implements Closeable {
    private static final Duration CALL = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(100);
    /** What the connection of the memory is for; the others name a part or a disk. */
    static final String MEMORY = "memory";

    /** Answered when what has come is on stable storage. */
    static final String FLUSH = "flush";

    static final String PART = "part ";
    static final String DISK = "disk ";

    private final VmDefinition machine;
    private final Path sockets;
    private final Freight freight;
    private final LongSupplier nanoClock;
    private final Gateway gateway;

    private OutgoingDisks(
            VmDefinition machine, Path sockets, Freight freight, LongSupplier nanoClock, Gateway gateway) {
        this.machine = machine;
        this.sockets = sockets;
        this.freight = freight;
        this.nanoClock = nanoClock;
        this.gateway = gateway;
    }

    /** Where the chain of a machine is. @throws IOException its disks do not all lie in one */
    static Path directory(VmDefinition machine) throws IOException {
        Set<Path> directories = new HashSet<>();
        for (VmDefinition.Disk disk : machine.disks()) {
            directories.add(ChainDirectory.locate(disk.id(), disk.path()));
        }
        if (directories.size() != 1) {
            throw new IOException(
                    "only a machine whose disks lie in one chain of layers can be copied; those of %s lie in %s"
                            .formatted(machine.name(), directories));
        }
        return directories.iterator().next();
    }

    /** The disks as the machine's process has them open. */
    static List<DiskState> open(NodeTools tools, ManagedVm machine) throws HypervisorException {
        machine.lock().lock();
        try {
            Optional<RunningVm> process = tools.vms().process(machine);
            if (process.isEmpty()) {
                throw new HypervisorException(HypervisorException.Kind.GONE, machine.name() + " does not run any more");
            }
            return process.get().disks();
        } finally {
            machine.lock().unlock();
        }
    }

    /**
     * What there is to copy.
     *
     * @param open the disks as its process has them open
     * @throws IOException the process writes to something else than the head names: what is frozen is not known then
     */
    static Freight freight(VmDefinition machine, List<DiskState> open) throws IOException {
        ChainDirectory chain = ChainDirectory.open(directory(machine));
        Freight freight = Freight.of(chain);
        Set<Path> head = new HashSet<>();
        chain.head().layers().values().forEach(layer -> head.add(chain.file(layer)));
        Set<Path> written = new HashSet<>();
        open.forEach(disk -> written.add(disk.active()));
        if (!written.equals(head)) {
            throw new IOException("%s writes to %s, but the head of its chain names %s; run \"holdfast fsck\""
                    .formatted(machine.name(), written, head));
        }
        return freight;
    }

    /**
     * Nothing is sent yet.
     *
     * @param answer of the target: where it waits, and the secret
     */
    static OutgoingDisks to(NodeTools tools, VmDefinition machine, Freight freight, JsonObject answer)
            throws IOException, JsonException {
        int port = Math.toIntExact(answer.number(Word.PORT).orElse(0L));
        InetAddress address = InetAddress.getByName(answer.text(Word.ADDRESS).orElse(""));
        Secret secret;
        try {
            secret = Secret.parse(answer.text(Word.SECRET).orElse(""));
        } catch (IllegalArgumentException e) {
            throw new JsonException("the target has told no secret for the connection");
        }
        Path sockets = tools.runDirectory().apply(machine.name());
        return new OutgoingDisks(
                machine,
                sockets,
                freight,
                tools.nanoClock(),
                new Gateway(new InetSocketAddress(address, port), secret, CALL));
    }

    /** Ends what waits. */
    interface Patience {
        /** @throws IOException it has lasted too long, or is not wanted any more */
        void check(long done) throws IOException;
    }

    /** Sends what is frozen. */
    void sendParts(long bytesPerSecond, Progress progress, Patience patience) throws IOException, InterruptedException {
        Path directory = Path.of(freight.directory());
        PartSender sender = new PartSender(gateway, directory, bytesPerSecond, nanoClock);
        FutureTask<Void> sending = new FutureTask<>(() -> {
            for (Freight.Part part : freight.parts()) {
                sender.send(part);
            }
            return null;
        });
        Thread thread = new Thread(sending, "parts-of-" + machine.name());
        thread.setDaemon(true);
        thread.start();
        while (true) {
            try {
                sending.get(LOOK.toMillis(), TimeUnit.MILLISECONDS);
                return;
            } catch (TimeoutException e) {
                progress.bytes("checkpoints", sender.sent(), Math.max(1, freight.frozenBytes()));
                patience.check(sender.sent());
            } catch (ExecutionException e) {
                throw new IOException(
                        "the frozen layers did not come over: " + e.getCause().getMessage(), e);
            }
        }
    }

    /** A way to the image of a disk on the target. */
    Path connect(String disk) throws IOException {
        Path socket = sockets.resolve("copy-out-" + disk + ".sock");
        gateway.open(socket, DISK + disk);
        return socket;
    }

    /**
     * Has what is over by now written out on the target, so that little is left for the moment in which the guest stands still.
     * Waits for some seconds.
     *
     * @return false if it takes longer: to be asked again
     */
    boolean flush() throws IOException {
        try {
            gateway.end(gateway.call(FLUSH));
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    /** Their ids. */
    List<String> disks() {
        return machine.disks().stream().map(VmDefinition.Disk::id).toList();
    }

    /** Where the memory goes in. */
    Path memory() throws IOException {
        Path socket = sockets.resolve("copy-out-memory.sock");
        gateway.open(socket, MEMORY);
        return socket;
    }

    /** Cuts the target off. What hangs in QEMU for its sake ends. */
    @Override
    public void close() {
        gateway.close();
    }
}
