package dev.holdfast.agent.cow;

import java.util.BitSet;
import java.util.Iterator;

/**
 * A stretch of a device that is looked at in one go, 4 GiB at most. In the sets of bits that belong to it, bit 0 is its first sector.
 *
 * @param first sector, a multiple of eight
 * @param count of sectors, at least one
 * @param deviceBytes size of the whole device: its last sector may be in part
 */
record Window(long first, int count, long deviceBytes) {
    private static final int LARGEST = 1 << 23;
    /** Sectors in a group, which is what the driver of User-Mode Linux reads and writes at a time. */
    private static final int GROUP = Byte.SIZE;

    private static final int WHOLE_GROUP = (1 << GROUP) - 1;

    /** All windows of a device, from its start. */
    static Iterable<Window> of(long deviceBytes) {
        long sectors = (deviceBytes + CowHeader.SECTOR - 1) / CowHeader.SECTOR;
        return () -> new Iterator<>() {
            private long next;

            @Override
            public boolean hasNext() {
                return next < sectors;
            }

            @Override
            public Window next() {
                Window window = new Window(next, (int) Math.min(LARGEST, sectors - next), deviceBytes);
                next += window.count;
                return window;
            }
        };
    }

    /** All sectors. */
    BitSet all() {
        BitSet all = new BitSet(count);
        all.set(0, count);
        return all;
    }

    BitSet without(BitSet bits, BitSet others) {
        BitSet rest = (BitSet) bits.clone();
        rest.andNot(others);
        return rest;
    }

    /** What the sectors of a set have in bytes. */
    long bytes(BitSet bits) {
        long whole = (long) bits.cardinality() * CowHeader.SECTOR;
        return bits.get(count - 1) ? whole - missingAtTheEnd() : whole;
    }

    /** Bytes from a sector up to another one, which is not counted; the device may end before that. */
    long bytes(int from, int to) {
        long bytes = (long) (to - from) * CowHeader.SECTOR;
        return to == count ? bytes - missingAtTheEnd() : bytes;
    }

    private long missingAtTheEnd() {
        return Math.max(0, (first + count) * CowHeader.SECTOR - deviceBytes);
    }

    /** How many groups are in a set in part. */
    long mixedGroups(BitSet bits) {
        long mixed = 0;
        byte[] groups = bits.toByteArray();
        for (int i = 0; i < groups.length; i++) {
            int group = Byte.toUnsignedInt(groups[i]);
            if (group != 0 && group != whole(i)) {
                mixed++;
            }
        }
        return mixed;
    }

    /** The set, with all sectors of each group that has one in it. */
    BitSet wholeGroups(BitSet bits) {
        byte[] groups = bits.toByteArray();
        for (int i = 0; i < groups.length; i++) {
            if (groups[i] != 0) {
                groups[i] = (byte) whole(i);
            }
        }
        return BitSet.valueOf(groups);
    }

    /** A group in full; the last one may have fewer sectors. */
    private int whole(int group) {
        int sectors = Math.min(GROUP, count - group * GROUP);
        return WHOLE_GROUP >>> (GROUP - sectors);
    }
}
