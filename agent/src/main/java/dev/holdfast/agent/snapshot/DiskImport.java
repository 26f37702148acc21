package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.InstantSource;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Puts a machine's disks under a chain, one at a time: each image is copied beside the place of the chain, and with the last
 * one the chain is made. Can be repeated after an interruption. The caller sees to it that the machine does not run.
 */
public final class DiskImport {

    private final QemuImages images;
    private final InstantSource clock;

    /**
     * @param images copies images
     * @param clock handed on
     */
    public DiskImport(QemuImages images, InstantSource clock) {
        this.images = images;
        this.clock = clock;
    }

    /**
     * Copies one image.
     *
     * @return the disks that are still missing; none if the chain is there now
     * @throws SnapshotException the definition's path goes through no chain, the chain is there already, or the copy failed
     */
    public Set<String> take(VmDefinition definition, String disk, Path file) throws SnapshotException {
        try {
            VmDefinition.Disk wanted = definition.disk(disk);
            Path chain = ChainDirectory.locate(disk, wanted.path());
            if (Files.exists(chain.resolve("head"))) {
                throw new ChainException(
                        chain + " is a chain already; to begin anew, move it away while the machine does not run");
            }
            Path staging = chain.resolveSibling("." + chain.getFileName() + ".import");
            Files.createDirectories(staging);
            Path copy = staging.resolve(disk + ".qcow2");
            Path unfinished = staging.resolve(disk + ".unfinished");
            images.convert(file, unfinished);
            Files.move(unfinished, copy, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return finish(definition, chain, staging);
        } catch (IllegalArgumentException e) {
            throw SnapshotException.refused(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private Set<String> finish(VmDefinition definition, Path chain, Path staging) throws IOException {
        SortedMap<String, Path> copies = new TreeMap<>();
        Set<String> missing = new TreeSet<>();
        for (VmDefinition.Disk disk : definition.disks()) {
            Path copy = staging.resolve(disk.id() + ".qcow2");
            copies.put(disk.id(), copy);
            if (!Files.exists(copy)) {
                missing.add(disk.id());
            }
        }
        if (missing.isEmpty()) {
            new ChainImport(images, clock).importDisks(chain, copies);
            Files.deleteIfExists(staging);
        }
        return missing;
    }
}
