package dev.holdfast.agent.cow;

import dev.holdfast.agent.files.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.BitSet;
import java.util.Set;

/**
 * Merges a chain into one file. The time it takes goes with the data in the files, not with the size of the device. The files of the
 * chain are locked and not altered.
 */
public final class CowMerge {

    /** What the new file is. */
    public enum Kind {
        /** An image of the device as it is, as {@code uml_moo} makes it. */
        FLAT,
        /**
         * A COW file of version 3 on the raw image of the chain, with all sectors of each group of 4 KiB that has one in any
         * layer. The driver of Linux 6.1 returns wrong data where one read meets a group that is in part in the COW file.
         */
        COW,
        /** The same with those sectors alone that are in a layer. */
        COW_OF_SECTORS
    }

    /**
     * What was done.
     *
     * @param writtenBytes how much of the device is in the new file; holes count
     * @param filledBytes how much of that was taken from the raw image to fill groups
     */
    public record Outcome(long writtenBytes, long filledBytes) {}

    private final CowChain chain;
    private final Kind kind;
    private long written;
    private long filled;

    private CowMerge(CowChain chain, Kind kind) {
        this.chain = chain;
        this.kind = kind;
    }

    /**
     * Merges all layers of a chain.
     *
     * @param chain stays open
     * @param replaces whether a file that is there is replaced, be it one of the chain
     * @throws CowException if the chain is not whole, is in use, or changes meanwhile; or the file is there. Nothing new is then there
     */
    public static Outcome merge(CowChain chain, Path out, Kind kind, boolean replaces) throws IOException {
        chain.requireWhole();
        chain.lock();
        Set<PosixFilePermission> mode =
                Files.getPosixFilePermissions(chain.top().file());
        try (NewFile made = NewFile.begin(out, replaces, mode)) {
            Outcome outcome = new CowMerge(chain, kind).write(made);
            chain.requireUnchanged();
            made.publish();
            return outcome;
        }
    }

    private Outcome write(NewFile made) throws IOException {
        Layer base = chain.layers().get(chain.layers().size() - 1);
        long device = base.deviceBytes();
        CowHeader header = CowHeader.ofNew(absolute(base.file()), base.seconds(), device);
        long start = kind == Kind.FLAT ? 0 : header.dataOffset();
        if (kind != Kind.FLAT) {
            FileBytes.write(made.channel(), header.encoded(), 0);
        }
        SparseWriter writer = new SparseWriter(made.channel());
        for (Window window : Window.of(device)) {
            BitSet wanted = wanted(window);
            if (kind != Kind.FLAT) {
                writer.write(ByteBuffer.wrap(wanted.toByteArray()), header.bitmapOffset() + window.first() / Byte.SIZE);
            }
            written += window.bytes(wanted);
            copy(window, wanted, writer, start);
        }
        writer.extend(start + device);
        return new Outcome(written, filled);
    }

    /** As {@code uml_mkcow} writes it: the directory without links, the last name as it is. */
    private static String absolute(Path file) throws IOException {
        Path absolute = file.toAbsolutePath();
        Path directory = absolute.getParent();
        return directory == null
                ? absolute.toString()
                : directory.toRealPath().resolve(absolute.getFileName()).toString();
    }

    /** The sectors that the new file is to have. */
    private BitSet wanted(Window window) throws IOException {
        if (kind == Kind.FLAT) {
            return window.all();
        }
        BitSet above = new BitSet(window.count());
        for (Layer layer : chain.layers()) {
            if (layer.header().isPresent()) {
                above.or(layer.written(window.first(), window.count()));
            }
        }
        if (kind == Kind.COW_OF_SECTORS) {
            return above;
        }
        BitSet groups = window.wholeGroups(above);
        filled += window.bytes(window.without(groups, above));
        return groups;
    }

    /** Copies each sector from the newest layer that has it. */
    private void copy(Window window, BitSet wanted, SparseWriter writer, long start) throws IOException {
        BitSet missing = (BitSet) wanted.clone();
        for (Layer layer : chain.layers()) {
            if (missing.isEmpty()) {
                return;
            }
            BitSet here = layer.written(window.first(), window.count());
            here.and(missing);
            missing.andNot(here);
            for (int from = here.nextSetBit(0); from >= 0; ) {
                int to = here.nextClearBit(from);
                long sector = window.first() + from;
                writer.copy(layer, layer.offset(sector), start + sector * CowHeader.SECTOR, window.bytes(from, to));
                from = here.nextSetBit(to);
            }
        }
    }
}
