package dev.holdfast.agent.storage.lvm;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Volumes of LVM. A copy is a snapshot, called {@code web+d0-000004-of-000001}, with a tag that the command sets which makes it. A thick one
 * is read-only; a thin one may become what a disk writes, as any volume. Both are active as their original is, also when the node starts. Several may be asked at once: LVM has them wait for each other.
 * Thread-safe.
 */
public final class LvmStore implements ImageStore {
    private static final String TAG = "holdfast=";
    private static final Duration COPY = Duration.ofMinutes(1);
    private static final Duration REMOVE = Duration.ofSeconds(30);
    private static final Duration OPEN = Duration.ofSeconds(30);

    private final LvmTool lvm;
    private final VolumeNames names;

    /** @param commands of this node */
    public LvmStore(Commands commands) {
        lvm = new LvmTool(commands);
        names = new VolumeNames(lvm);
    }

    /** A volume among those of its group. */
    private record Found(Volume volume, List<Volume> group) {
        Optional<Volume> pool() {
            return volume.pool().flatMap(this::called);
        }

        Optional<Volume> called(String name) {
            return group.stream().filter(each -> each.name().equals(name)).findFirst();
        }
    }

    private Optional<Found> found(Path image, Duration bound) throws StorageException {
        return names.find(image, name -> {
            List<Volume> group = lvm.volumesOf(name.group(), bound).orElse(List.of());
            return group.stream()
                    .filter(volume -> volume.name().equals(name.volume()))
                    .findFirst()
                    .map(volume -> new Found(volume, group));
        });
    }

    private Found existing(Path image, Duration bound) throws StorageException {
        return found(image, bound)
                .orElseThrow(() -> refused("there is no volume " + image + "; see \"lvs\" what has become of it"));
    }

    @Override
    public Optional<Site> site(Path image) throws StorageException {
        return found(image, LvmTool.SOON).map(found -> {
            Volume volume = found.volume();
            String words = volume.kind() + " " + volume.fullName();
            return new Site(image, volume.best(), words, volume.bytes(), true, volume.inSharedGroup());
        });
    }

    @Override
    public Outlook outlook(Site site, Copying how) throws StorageException {
        Found found = existing(site.image(), LvmTool.SOON);
        return LvmOutlook.of(found.volume(), found.pool(), how);
    }

    @Override
    public Path copy(Site site, Copying how, CopyName name, Progress progress) throws StorageException {
        Found found = existing(site.image(), LvmTool.IN_TURN);
        Volume origin = found.volume();
        String copy = name.vm() + "+" + name.layer();
        Path path = Path.of("/dev", origin.group(), copy);
        Optional<Volume> there = found.called(copy);
        if (there.isPresent() && isOurs(there.get(), name).isWholeCopy()) {
            return path;
        }
        if (there.isPresent()) {
            remove(there.get(), name);
        }
        Optional<String> obstacle =
                LvmOutlook.of(origin, found.pool(), how).obstacles().stream().findFirst();
        if (obstacle.isPresent()) {
            throw refused(obstacle.get());
        }
        progress.at(0, origin.bytes());
        Optional<String> failure = lvm.change(COPY, creation(origin, how, copy, tag(name)));
        if (failure.isPresent()) {
            throw withoutRest(path, name, failure.get());
        }
        progress.at(origin.bytes(), origin.bytes());
        return path;
    }

    private static List<String> creation(Volume origin, Copying how, String copy, String tag) {
        List<String> size = how.way() == Way.THIN
                ? List.of("--setactivationskip", "n")
                : List.of(
                        "--permission",
                        "r",
                        "--chunksize",
                        LvmOutlook.CHUNK + "b",
                        "--size",
                        LvmOutlook.room(origin, how) + "b");
        return Stream.of(
                        List.of("lvcreate", "--yes", "--snapshot"),
                        size,
                        List.of("--addtag", tag, "--name", copy, origin.fullName()))
                .flatMap(List::stream)
                .toList();
    }

    private static Volume isOurs(Volume there, CopyName name) throws StorageException {
        if (!there.tags().contains(tag(name))) {
            throw refused(
                    "there is a volume %s that is none of Holdfast's: it has no tag %s. Rename it: lvrename %s NAME"
                            .formatted(there.fullName(), tag(name), there.fullName()));
        }
        return there;
    }

    /** What failed, once nothing of it is left: LVM takes back what it has begun, if it can. */
    private StorageException withoutRest(Path copy, CopyName name, String failure) {
        try {
            // No volume was called so when we began; what is called so in another group is not ours.
            Optional<Volume> rest = found(copy, LvmTool.IN_TURN).map(Found::volume);
            if (rest.isPresent() && rest.get().tags().contains(tag(name))) {
                remove(rest.get(), name);
            }
            return new StorageException(Kind.FAILED, failure);
        } catch (StorageException e) {
            return new StorageException(
                    Kind.UNKNOWN, failure + "; and its rest cannot be removed: " + e.getMessage(), e);
        }
    }

    @Override
    public Health health(Path image) throws StorageException {
        Optional<Found> found = found(image, LvmTool.SOON);
        if (found.isEmpty()) {
            return new Health(Health.State.ABSENT, "there is no volume " + image);
        }
        Volume volume = found.get().volume();
        Optional<String> loss = loss(found.get());
        if (loss.isPresent()) {
            return new Health(Health.State.SPOILT, loss.get());
        }
        String name = volume.fullName();
        String there = volume.isPartial() ? " is there, and a device below it is missing: see \"pvs\"" : " is there";
        return volume.isActive()
                ? new Health(Health.State.GOOD, name + there)
                : new Health(
                        Health.State.CLOSED,
                        "%s is not active on this node; activate it: lvchange --activate y %s".formatted(name, name));
    }

    /**
     * Why what it held cannot be read; empty if it can, once it is active. "partial" is no such reason: LVM passes it on to all that lies on a
     * mirror or RAID one device of which is missing, and which can be read. What cannot be, LVM does not activate.
     */
    private static Optional<String> loss(Found found) {
        Volume volume = found.volume();
        String name = volume.fullName();
        if (volume.isOverflown()) {
            return Optional.of(
                    "%s is lost: more was written to %s than it had room for. Give the next one more with \"cow\""
                            .formatted(name, volume.origin().orElse("its origin")));
        }
        return found.pool()
                .filter(Volume::hasFailed)
                .map(pool -> "the metadata of pool %s, which %s is in, has failed; see \"lvconvert --repair\""
                        .formatted(pool.fullName(), name));
    }

    @Override
    public boolean open(Path image) throws StorageException {
        Optional<Found> found = found(image, LvmTool.IN_TURN);
        Optional<String> loss = found.flatMap(LvmStore::loss);
        if (loss.isPresent()) {
            throw refused(loss.get());
        }
        if (found.isPresent() && !found.get().volume().isActive()) {
            activate(found.get(), found.get().volume().inSharedGroup() ? "ey" : "y");
        }
        return found.isPresent();
    }

    /** A thick snapshot is active for as long as its origin is. */
    @Override
    public void close(Path image) throws StorageException {
        Optional<Found> found = found(image, LvmTool.IN_TURN);
        if (found.isPresent()
                && found.get().volume().isActive()
                && !found.get().volume().isThickSnapshot()) {
            activate(found.get(), "n");
        }
    }

    private void activate(Found found, String how) throws StorageException {
        Volume volume = found.volume();
        String target = volume.isThickSnapshot()
                ? volume.group() + "/" + volume.origin().orElseThrow()
                : volume.fullName();
        Optional<String> failure =
                lvm.change(OPEN, List.of("lvchange", "--activate", how, "--ignoreactivationskip", target));
        if (failure.isPresent()) {
            throw refused(
                    failure.get() + ". See \"lvs\" which node has it, and \"dmsetup ls --tree\" what stands on it");
        }
    }

    @Override
    public void remove(CopyName name) throws StorageException {
        List<Volume> tagged = tagged(name);
        if (tagged.size() > 1) {
            throw refused(
                    "none of %s is removed: each is marked as copy %s, of which there is one. Take the mark off the others: lvchange --deltag %s NAME"
                            .formatted(tagged.stream().map(Volume::fullName).toList(), name, tag(name)));
        }
        for (Volume volume : tagged) {
            remove(volume, name);
        }
    }

    private List<Volume> tagged(CopyName name) throws StorageException {
        return lvm.volumes(LvmTool.IN_TURN).stream()
                .filter(volume -> volume.tags().contains(tag(name)))
                .toList();
    }

    /** The command itself looks at the tag once more: with the lock that it holds, the name cannot have become another volume's. */
    private void remove(Volume volume, CopyName name) throws StorageException {
        if (volume.isThickOrigin()) {
            throw refused(
                    "%s is not removed: snapshots stand on it, and would go with it. See \"lvs\", and remove them first"
                            .formatted(volume.fullName()));
        }
        Optional<String> failure = lvm.change(
                REMOVE,
                List.of("lvremove", "--yes", "--select", "lv_tags=\"%s\"".formatted(tag(name)), volume.fullName()));
        if (failure.isPresent()
                && tagged(name).stream().anyMatch(left -> left.fullName().equals(volume.fullName()))) {
            throw refused(failure.get() + ". If something has it open, end that: \"dmsetup ls --tree\" tells");
        }
    }

    @Override
    public Set<CopyName> copies(Name vm) throws StorageException {
        String begin = TAG + vm + "/";
        Set<CopyName> copies = new HashSet<>();
        for (Volume volume : lvm.volumes(LvmTool.SOON)) {
            for (String tag : volume.isWholeCopy() ? volume.tags() : List.<String>of()) {
                if (tag.startsWith(begin) && CopyName.isLayer(tag.substring(begin.length()))) {
                    copies.add(new CopyName(vm, tag.substring(begin.length())));
                }
            }
        }
        return copies;
    }

    private static String tag(CopyName name) {
        return TAG + name;
    }

    private static StorageException refused(String message) {
        return new StorageException(Kind.REFUSED, message);
    }
}
