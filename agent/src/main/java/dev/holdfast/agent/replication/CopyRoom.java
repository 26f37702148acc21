package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Room for the copy that a primary offers, and the answer to it. The machine's thread. */
final class CopyRoom {
    private final VmDefinition machine;
    private final ReplicaFiles files;
    private final DiskImages images;
    private final InstantSource clock;
    private final Supplier<Name> freshIds;
    private @Nullable Offer offer;

    private record Offer(Copy copy, SortedMap<String, Long> disks, CompletableFuture<PeerLink.Opening> answer) {}

    CopyRoom(
            VmDefinition machine, ReplicaFiles files, DiskImages images, InstantSource clock, Supplier<Name> freshIds) {
        this.machine = machine;
        this.files = files;
        this.images = images;
        this.clock = clock;
        this.freshIds = freshIds;
    }

    /** The sizes that the disks of the offering node have, in bytes. */
    static SortedMap<String, Long> sizes(ReplicaFiles files) throws IOException {
        ChainDirectory chain = ChainDirectory.open(files.chain());
        chain.requireQcow2("replication");
        return chain.diskBytes();
    }

    /**
     * An offer has come, and is being judged.
     *
     * @return whether there is room for it; if not, it is answered, and what is here stays what it is
     */
    boolean expect(Copy copy, SortedMap<String, Long> disks, CompletableFuture<PeerLink.Opening> answer) {
        try {
            if (files.hasDisks()) {
                check(disks);
            }
        } catch (IOException e) {
            answer.completeExceptionally(no(String.valueOf(e.getMessage())));
            return false;
        }
        Offer before = offer;
        if (before != null) {
            before.answer().completeExceptionally(no("another copy was offered meanwhile"));
        }
        offer = new Offer(copy, disks, answer);
        return true;
    }

    private void check(SortedMap<String, Long> disks) throws IOException {
        Optional<Intent> open = ChainDirectory.open(files.chain()).intent();
        if (open.isPresent()) {
            throw new IOException("its chain is still in operation %s, which ends when the decision is known here"
                    .formatted(open.get().operation()));
        }
        SortedMap<String, Long> here = sizes(files);
        if (!here.equals(disks)) {
            throw new IOException(
                    "the disks of %s have %s bytes there and %s here; move %s away, so that it is made anew"
                            .formatted(machine.name(), disks, here, files.chain()));
        }
    }

    private static HypervisorException no(String why) {
        return new HypervisorException(Kind.REFUSED, why);
    }

    private Optional<Offer> of(Copy copy) {
        Optional<Offer> known = Optional.ofNullable(offer).filter(o -> o.copy().equals(copy));
        known.ifPresent(o -> offer = null);
        return known;
    }

    void refused(Copy copy, String why) {
        of(copy).ifPresent(o -> o.answer().completeExceptionally(no(why)));
    }

    /** The process waits for the disks, or there is none. */
    void made(Copy copy, Optional<String> failure, Optional<PeerLink.Opening> opening) {
        Optional<Offer> known = of(copy);
        if (known.isEmpty()) {
            return;
        }
        if (failure.isPresent() || opening.isEmpty()) {
            known.get().answer().completeExceptionally(no(failure.orElse("it is gone already")));
        } else {
            known.get().answer().complete(opening.get());
        }
    }

    /** A chain is made if there is none, of which nobody is to think that a guest could boot from it. */
    void prepareDisks() throws IOException {
        Offer known = offer;
        if (known == null) {
            throw new IOException("nobody has told how large the disks are");
        }
        if (!files.hasDisks()) {
            files.write(files.disks()
                    .map(DisksNote::worthless)
                    .orElseGet(() -> new DisksNote(freshIds.get(), 0, false, false)));
            new ChainImport(images, clock).create(files.chain(), known.disks());
            return;
        }
        check(known.disks());
    }
}
