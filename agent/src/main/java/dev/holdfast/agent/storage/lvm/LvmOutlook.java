package dev.holdfast.agent.storage.lvm;

import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Way;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a copy of a volume takes, and what speaks against it. Pure. */
final class LvmOutlook {
    /** What is kept of the origin at once, in bytes: the smallest that there is, so that scattered writes fill a copy least. */
    static final int CHUNK = 4096;

    /** A snapshot begins with a chunk of its own, and notes what it keeps in others. */
    private static final int NOTES_IN_A_CHUNK = 256;

    /** A pool that is as full as this is about to stop all that is in it. */
    private static final double FULL = 90;

    private static final int ALL = 100;

    private LvmOutlook() {}

    static Outlook of(Volume volume, Optional<Volume> pool, Copying how) {
        List<String> obstacles = new ArrayList<>();
        if (!volume.best().equals(Optional.of(how.way()))) {
            obstacles.add("%s is a %s, which is %s; change \"keep\""
                    .formatted(
                            volume.fullName(),
                            volume.kind(),
                            volume.best()
                                    .map(best -> "copied as " + best + " only")
                                    .orElse("not copied")));
        }
        obstacles.addAll(states(volume));
        pool.ifPresent(full -> obstacles.addAll(pool(full)));
        List<String> degraded = volume.ailment().isEmpty() || volume.isPartial()
                ? List.of()
                : List.of("%s: LVM says \"%s\"; see \"lvs\"".formatted(volume.fullName(), volume.ailment()));
        if (how.way() == Way.THIN && pool.isPresent()) {
            long free = (long)
                    (pool.get().bytes() / (double) ALL * (ALL - pool.get().dataPercent()));
            return new Outlook(0, new Outlook.Room("thin pool " + pool.get().fullName(), free), obstacles, degraded);
        }
        Outlook.Room room = new Outlook.Room("volume group " + volume.group(), volume.groupFree());
        return new Outlook(room(volume, how), room, obstacles, degraded);
    }

    /** What a thick snapshot has to have, in bytes, whole extents: what it is to keep, and its notes of that. */
    static long room(Volume volume, Copying how) {
        long chunks = upwards(volume.bytes() / ALL * how.percent() + volume.bytes() % ALL, CHUNK);
        long notes = 1 + upwards(chunks, NOTES_IN_A_CHUNK);
        return upwards((chunks + notes) * CHUNK, volume.extent()) * volume.extent();
    }

    private static long upwards(long amount, long piece) {
        return (amount + piece - 1) / piece;
    }

    private static List<String> states(Volume volume) {
        String name = volume.fullName();
        List<String> obstacles = new ArrayList<>();
        if (volume.inClusteredGroup()) {
            obstacles.add("volume group %s is one of clvmd, which is no more; convert it: vgchange --locktype dlm"
                    .formatted(volume.group()));
        }
        if (volume.inPartialGroup() || volume.isPartial()) {
            obstacles.add("a device of volume group %s is missing; see \"pvs\"".formatted(volume.group()));
        }
        if (!volume.isActive()) {
            obstacles.add("%s is not active on this node; activate it: lvchange --activate y %s".formatted(name, name));
        } else if (volume.inSharedGroup() && !volume.isActiveExclusively()) {
            obstacles.add("%s is active on other nodes, too; activate it for one alone: lvchange --activate ey %s"
                    .formatted(name, name));
        }
        if (volume.isSuspended()) {
            obstacles.add(
                    "%s is suspended: a command of LVM is at it, or was killed. See \"ps\", and then \"dmsetup resume\""
                            .formatted(name));
        }
        if (volume.isMerging()) {
            obstacles.add(name + " is being merged; wait for it, see \"lvs\"");
        }
        if (volume.isOverflown()) {
            obstacles.add(name + " is a snapshot that has overflown and holds nothing any more");
        }
        return obstacles;
    }

    private static List<String> pool(Volume pool) {
        String name = pool.fullName();
        List<String> obstacles = new ArrayList<>();
        if (pool.hasFailed()) {
            obstacles.add("the metadata of pool %s has failed; repair it: lvconvert --repair %s".formatted(name, name));
        }
        if (pool.dataPercent() > FULL) {
            obstacles.add("pool %s is full to %.0f %%; extend it: lvextend --size +SIZE %s"
                    .formatted(name, pool.dataPercent(), name));
        }
        if (pool.metadataPercent() > FULL) {
            obstacles.add("the metadata of pool %s is full to %.0f %%; extend it: lvextend --poolmetadatasize +SIZE %s"
                    .formatted(name, pool.metadataPercent(), name));
        }
        return obstacles;
    }
}
