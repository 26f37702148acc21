package dev.holdfast.agent.storage.lvm;

import dev.holdfast.agent.storage.Links;
import dev.holdfast.agent.storage.StorageException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which volume a path leads to: {@code /dev/vg0/lv0}, {@code /dev/mapper/vg0-lv0}, {@code /dev/dm-3}, or links to one of them. Thread-safe. */
final class VolumeNames {
    private static final Pattern DIRECT =
            Pattern.compile("/dev/([A-Za-z0-9+_.][A-Za-z0-9+_.-]*)/([A-Za-z0-9+_.][A-Za-z0-9+_.-]*)");
    private static final Pattern MAPPED = Pattern.compile("/dev/mapper/([^/]+)");
    private static final Pattern NUMBERED = Pattern.compile("/dev/dm-[0-9]+");
    /** Group and volume with one dash in between; a dash in a name is written as two. */
    private static final Pattern JOINED = Pattern.compile("((?:[^-]|--)+)-((?:[^-]|--)+)");

    private final LvmTool lvm;

    VolumeNames(LvmTool lvm) {
        this.lvm = lvm;
    }

    /** A volume, which need not be there. */
    record VolumeName(String group, String volume) {}

    /** What is looked for among names. */
    @FunctionalInterface
    interface Search<T> {
        Optional<T> at(VolumeName name) throws StorageException;
    }

    /** The first volume that is found on the way that the links from this path lead. */
    <T> Optional<T> find(Path image, Search<T> search) throws StorageException {
        for (Path at : Links.way(image)) {
            Optional<VolumeName> name = name(at.toString());
            Optional<T> found = name.isPresent() ? search.at(name.get()) : Optional.empty();
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private Optional<VolumeName> name(String path) throws StorageException {
        Matcher mapped = MAPPED.matcher(path);
        if (mapped.matches()) {
            return joined(mapped.group(1));
        }
        if (NUMBERED.matcher(path).matches()) {
            return lvm.mapped(path).flatMap(VolumeNames::joined);
        }
        Matcher direct = DIRECT.matcher(path);
        return direct.matches() ? Optional.of(new VolumeName(direct.group(1), direct.group(2))) : Optional.empty();
    }

    private static Optional<VolumeName> joined(String name) {
        Matcher parts = JOINED.matcher(name);
        return parts.matches()
                ? Optional.of(new VolumeName(single(parts.group(1)), single(parts.group(2))))
                : Optional.empty();
    }

    private static String single(String name) {
        return name.replace("--", "-");
    }
}
