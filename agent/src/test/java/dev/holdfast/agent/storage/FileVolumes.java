package dev.holdfast.agent.storage;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Stands in for a volume group: files are its volumes. It fails where it is told to, and forgets what it is told to. One thread. */
public final class FileVolumes implements ImageStore {
    private final Path group;
    private final Way way;
    private final TreeMap<CopyName, Path> copies = new TreeMap<>(Comparator.comparing(CopyName::toString));

    /** What is said of everything; empty if all is well. */
    public Optional<StorageException> failure = Optional.empty();

    /** A copy is asked for, and nobody knows what becomes of it. */
    public boolean leavesOpen;

    public long free = Long.MAX_VALUE;

    /** Copies of which nothing is left but their names. */
    public final Set<String> spoilt = new TreeSet<>();

    /** Copies that have to be opened. */
    public final Set<String> closed = new TreeSet<>();

    /** As many percent as were asked for last. */
    public int percent;

    /** @param way that suits all its volumes */
    public FileVolumes(Path group, Way way) {
        this.group = group;
        this.way = way;
    }

    /** What is said of a removal. */
    public Optional<StorageException> keepsAll = Optional.empty();

    /** Comes about before a removal. */
    public Runnable beforeRemoval = () -> {};

    /** How often it was asked for anything. */
    public int questions;

    /** It does not tell which copies there are, and all else. */
    public boolean hidesCopies;

    /** Comes about right after it has told which copies there are, and then no more. */
    public Runnable next = () -> {};

    /** A volume that stands for a device of DRBD: what is below it is copied, and longer by {@link #NOTES}. */
    public String replicated = "";

    /** Bytes of DRBD's own at the end of what is below it. */
    public static final int NOTES = 40 << 10;

    /** Of that volume. */
    public Standing standing = Standing.GOOD;

    private boolean isReplicated(Path volume) {
        return volume.getFileName().toString().equals(replicated);
    }

    @Override
    public Standing standing(Path image) throws StorageException {
        if (!isReplicated(volume(image))) {
            return Standing.GOOD;
        }
        answer();
        return standing;
    }

    private void answer() throws StorageException {
        questions++;
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    private static Path volume(Path image) throws StorageException {
        return Links.way(image).get(Links.way(image).size() - 1);
    }

    @Override
    public Optional<Site> site(Path image) throws StorageException {
        answer();
        Path volume = volume(image);
        if (!group.equals(volume.getParent()) || !Files.exists(volume)) {
            return Optional.empty();
        }
        boolean ends = way == Way.THICK && copies.containsValue(volume);
        String words = way + " volume " + volume.getFileName();
        try {
            return Optional.of(new Site(
                    image,
                    ends ? Optional.empty() : Optional.of(way),
                    words,
                    Files.size(volume),
                    !isReplicated(volume),
                    false));
        } catch (IOException e) {
            throw new StorageException(Kind.FAILED, e.toString(), e);
        }
    }

    @Override
    public Outlook outlook(Site site, Copying how) throws StorageException {
        answer();
        return new Outlook(
                way == Way.THICK ? site.bytes() / 100 * how.percent() : 0,
                new Outlook.Room("volume group vg0", free),
                how.way() == way ? List.of() : List.of(site.words() + " is not copied so"),
                List.of());
    }

    @Override
    public Path copy(Site site, Copying how, CopyName name, Progress progress) throws StorageException {
        answer();
        percent = how.percent();
        Path copy = group.resolve(name.vm() + "+" + name.layer());
        try {
            if (!copies.containsKey(name)) {
                Files.copy(volume(site.image()), copy);
                if (!site.exchangeable()) {
                    Files.write(copy, new byte[NOTES], StandardOpenOption.APPEND);
                }
                copies.put(name, copy);
            }
        } catch (IOException e) {
            throw new StorageException(Kind.FAILED, e.toString(), e);
        }
        if (leavesOpen) {
            throw new StorageException(Kind.UNKNOWN, "\"lvcreate\" has not ended");
        }
        return copy;
    }

    @Override
    public Health health(Path image) throws StorageException {
        answer();
        Path volume = volume(image);
        String name = volume.getFileName().toString();
        if (spoilt.contains(name)) {
            return new Health(Health.State.SPOILT, name + " is lost");
        }
        if (closed.contains(name)) {
            return new Health(Health.State.CLOSED, name + " is not active");
        }
        return Files.exists(volume)
                ? new Health(Health.State.GOOD, name + " is there")
                : new Health(Health.State.ABSENT, "there is no volume " + name);
    }

    @Override
    public boolean open(Path image) throws StorageException {
        answer();
        String name = volume(image).getFileName().toString();
        if (spoilt.contains(name)) {
            throw new StorageException(Kind.REFUSED, name + " is lost");
        }
        closed.remove(name);
        return Files.exists(volume(image));
    }

    @Override
    public void close(Path image) throws StorageException {
        answer();
        closed.add(volume(image).getFileName().toString());
    }

    @Override
    public void remove(CopyName name) throws StorageException {
        answer();
        beforeRemoval.run();
        if (keepsAll.isPresent()) {
            throw keepsAll.get();
        }
        try {
            Path copy = copies.remove(name);
            if (copy != null) {
                Files.delete(copy);
            }
        } catch (IOException e) {
            throw new StorageException(Kind.UNKNOWN, e.toString(), e);
        }
    }

    @Override
    public Set<CopyName> copies(Name vm) throws StorageException {
        answer();
        if (hidesCopies) {
            throw new StorageException(Kind.FAILED, "\"lvs\" printed what is no report");
        }
        Set<CopyName> told = Set.copyOf(copies.keySet());
        Runnable effect = next;
        next = () -> {};
        effect.run();
        return told;
    }
}
