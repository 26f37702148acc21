package dev.holdfast.agent.storage.drbd;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.Links;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A storage, and the devices of DRBD that are on it. A copy of one is a copy of the disk below, made by that storage, and stays on this node. It is longer than the device by
 * DRBD's own notes if these are on the disk ({@code meta-disk internal}): what counts is the size of the device. Who has the role is pacemaker's
 * business, not that of this class. Thread-safe.
 */
public final class DrbdStore implements ImageStore {
    private static final Pattern DEVICE = Pattern.compile("/dev/drbd(\\d{1,7})");
    private static final Duration LOOK = Duration.ofSeconds(5);

    private final Commands commands;
    private final ImageStore below;

    /**
     * @param commands of this node
     * @param below answers for all that is no device of DRBD, and makes the copies
     */
    public DrbdStore(Commands commands, ImageStore below) {
        this.commands = commands;
        this.below = below;
    }

    /** A device that is configured on this node. */
    private record Device(int minor, String resource, Path disk) {}

    private Optional<Device> device(Path image) throws StorageException {
        Optional<Integer> minor = minor(image);
        return minor.isPresent() ? configured(minor.get()) : Optional.empty();
    }

    private static Optional<Integer> minor(Path image) throws StorageException {
        for (Path at : Links.way(image)) {
            Matcher name = DEVICE.matcher(at.toString());
            if (name.matches()) {
                return Optional.of(Integer.parseInt(name.group(1)));
            }
        }
        return Optional.empty();
    }

    private Optional<Device> configured(int minor) throws StorageException {
        Ended resource = run("drbdadm", "sh-resource", "minor-" + minor);
        Ended disk = run("drbdadm", "sh-ll-dev", "minor-" + minor);
        return resource.status() == 0 && disk.status() == 0 && disk.output().startsWith("/")
                ? Optional.of(new Device(minor, resource.output(), Path.of(disk.output())))
                : Optional.empty();
    }

    /** Empty if it is not up. */
    private Optional<Resource> status(Device device) throws StorageException {
        Ended ended = run("drbdsetup", "status", "--verbose", "--statistics", device.resource());
        if (ended.status() != 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(Resource.parse(ended.output(), device.minor()));
        } catch (IllegalArgumentException e) {
            throw new StorageException(
                    Kind.FAILED,
                    "\"drbdsetup status %s\" printed what is not understood (%s): %s. Run it by hand to see what DRBD says"
                            .formatted(device.resource(), e.getMessage(), ended.output()),
                    e);
        }
    }

    private Ended run(String... command) throws StorageException {
        try {
            return commands.run(
                    Stream.concat(Stream.of("env", "LC_ALL=C"), Stream.of(command))
                            .toList(),
                    LOOK);
        } catch (IOException e) {
            throw new StorageException(
                    Kind.FAILED, "\"%s\" could not be run: %s".formatted(String.join(" ", command), e.getMessage()), e);
        }
    }

    private Resource up(Device device) throws StorageException {
        return status(device)
                .orElseThrow(() -> refused("DRBD resource %s is not up on this node: drbdadm up %s"
                        .formatted(device.resource(), device.resource())));
    }

    private Site siteBelow(Device device) throws StorageException {
        return below.site(device.disk())
                .orElse(new Site(
                        device.disk(), Optional.empty(), device.disk() + ", which is not copied", 0, false, false));
    }

    @Override
    public Optional<Site> site(Path image) throws StorageException {
        Optional<Device> device = device(image);
        if (device.isEmpty()) {
            return below.site(image);
        }
        Site on = siteBelow(device.get());
        String words = "DRBD resource %s on %s".formatted(device.get().resource(), on.words());
        return Optional.of(new Site(image, on.best(), words, up(device.get()).bytes(), false, false));
    }

    @Override
    public Outlook outlook(Site site, Copying how) throws StorageException {
        Optional<Device> device = device(site.image());
        if (device.isEmpty()) {
            return below.outlook(site, how);
        }
        Resource resource = up(device.get());
        Site on = siteBelow(device.get());
        if (on.best().isEmpty()) {
            List<String> obstacles = Stream.concat(
                            Stream.of(site.words() + "; use keep = \"layer\""), resource.obstacles().stream())
                    .toList();
            return new Outlook(0, new Outlook.Room(on.words(), 0), obstacles, resource.degraded());
        }
        Outlook outlook = below.outlook(on, how);
        return new Outlook(
                outlook.bytes(),
                outlook.room(),
                Stream.concat(resource.obstacles().stream(), outlook.obstacles().stream())
                        .toList(),
                Stream.concat(resource.degraded().stream(), outlook.degraded().stream())
                        .toList());
    }

    @Override
    public Standing standing(Path image) throws StorageException {
        Optional<Integer> minor = minor(image);
        if (minor.isEmpty()) {
            return below.standing(image);
        }
        Device device = configured(minor.get())
                .orElseThrow(() -> refused(
                        "/dev/drbd%d is a device of DRBD, and nobody tells which role this node has: see \"drbdadm sh-resource minor-%d\""
                                .formatted(minor.get(), minor.get())));
        Resource resource = up(device);
        return new Standing(resource.obstacles(), resource.degraded());
    }

    @Override
    public Path copy(Site site, Copying how, CopyName name, Progress progress) throws StorageException {
        Optional<Device> device = device(site.image());
        if (device.isEmpty()) {
            return below.copy(site, how, name, progress);
        }
        Optional<String> obstacle = up(device.get()).obstacles().stream().findFirst();
        if (obstacle.isPresent()) {
            throw refused(obstacle.get());
        }
        return below.copy(siteBelow(device.get()), how, name, progress);
    }

    @Override
    public Health health(Path image) throws StorageException {
        Optional<Device> device = device(image);
        if (device.isEmpty()) {
            return below.health(image);
        }
        String name = "DRBD resource " + device.get().resource();
        boolean primary = status(device.get()).filter(Resource::isPrimary).isPresent();
        return primary
                ? new Health(Health.State.GOOD, name + " is Primary on this node")
                : new Health(Health.State.CLOSED, name + " is not Primary on this node");
    }

    @Override
    public boolean open(Path image) throws StorageException {
        Optional<Device> device = device(image);
        if (device.isEmpty()) {
            return below.open(image);
        }
        if (!up(device.get()).isPrimary()) {
            throw refused("DRBD resource %s is not Primary on this node; pacemaker promotes it, not Holdfast"
                    .formatted(device.get().resource()));
        }
        return true;
    }

    /** A device keeps the role that it has. */
    @Override
    public void close(Path image) throws StorageException {
        if (device(image).isEmpty()) {
            below.close(image);
        }
    }

    @Override
    public void remove(CopyName name) throws StorageException {
        below.remove(name);
    }

    @Override
    public Set<CopyName> copies(Name vm) throws StorageException {
        return below.copies(vm);
    }

    private static StorageException refused(String message) {
        return new StorageException(Kind.REFUSED, message);
    }
}
