package dev.holdfast.agent.hypervisor;

import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What drivers and the resource agent leave for each other in the run directory of this node, whatever runs a machine. Thread-safe.
 *
 * @param path holds {@code vms/NAME/}
 */
public record RunDirectory(Path path) {
    private static final Logger LOG = LoggerFactory.getLogger(RunDirectory.class);

    /** The directory of a machine. */
    public Path of(Name vm) {
        return path.resolve("vms").resolve(vm.value());
    }

    /** What the resource agent leaves of a stop that needed no agent. */
    public Path stopNote(Name vm) {
        return of(vm).resolve("stopped");
    }

    /** As {@link Hypervisor#isBarred}. */
    public boolean isBarred(Name vm) {
        return Files.exists(stopNote(vm));
    }

    /** Only the machine itself is barred. @throws HypervisorException REFUSED if a stop is noted */
    public void checkNotBarred(Name vm, StartMode mode) throws HypervisorException {
        if (mode.instance().isEmpty() && isBarred(vm)) {
            throw new HypervisorException(
                    Kind.REFUSED, vm + " was stopped here meanwhile (" + stopNote(vm) + "); it is not started");
        }
    }

    /** As {@link Hypervisor#permit}. */
    public void permit(Name vm) throws HypervisorException {
        try {
            Files.deleteIfExists(stopNote(vm));
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED, "the note " + stopNote(vm) + " of a stop cannot be removed: " + e.getMessage(), e);
        }
    }

    /** The machines that have a directory here and of which this is true. */
    public Set<Name> machines(Predicate<Name> which) {
        Path directories = path.resolve("vms");
        if (!Files.isDirectory(directories)) {
            return Set.of();
        }
        try (Stream<Path> all = Files.list(directories)) {
            return all.flatMap(RunDirectory::name).filter(which).collect(Collectors.toUnmodifiableSet());
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("what runs on this node cannot be told: {}; look at {}", e, directories);
            return Set.of();
        }
    }

    private static Stream<Name> name(Path directory) {
        try {
            return Stream.of(new Name(directory.getFileName().toString()));
        } catch (IllegalArgumentException e) {
            return Stream.empty();
        }
    }
}
