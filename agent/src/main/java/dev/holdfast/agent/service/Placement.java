package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Machines that pacemaker has put where they are: what a person takes away by hand pacemaker holds for a crash, and starts again
 * or bans from the node. The resource agent notes them in {@code placed} beside the machine's sockets, with the name of the
 * resource, at each start and monitor, and takes the note away when it has stopped one. Thread-safe.
 */
public final class Placement {
    private static final Logger LOG = LoggerFactory.getLogger(Placement.class);
    private static final Pattern RESOURCE = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final Function<Name, Path> runDirectory;
    private final Supplier<Optional<String>> maintenance;

    /**
     * @param runDirectory of each machine
     * @param maintenance why pacemaker leaves everything alone at present, if it does; may take seconds
     */
    public Placement(Function<Name, Path> runDirectory, Supplier<Optional<String>> maintenance) {
        this.runDirectory = runDirectory;
        this.maintenance = maintenance;
    }

    /**
     * What is asked of pacemaker instead.
     *
     * @param crm words for crmsh, with %s for the resource
     * @param pcs words for pcs, with %s for the resource
     */
    record Instead(String crm, String pcs) {}

    /** Refuses what pacemaker would undo, unless it asks itself, or somebody insists, or it does not look. */
    void refuse(Arguments arguments, Name vm, Instead instead) throws ControlException {
        if (arguments.flag("placed") || arguments.flag("force")) {
            return;
        }
        Optional<String> resource = resource(vm);
        if (resource.isPresent() && maintenance.get().isEmpty()) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    "%s is managed by pacemaker, as resource %s".formatted(vm, resource.get()),
                    "what is done by hand it takes for a failure of the machine, and puts right in its way",
                    "'%s', or '%s'; --force does it all the same"
                            .formatted(
                                    instead.crm().formatted(resource.get()),
                                    instead.pcs().formatted(resource.get())));
        }
    }

    /** It was stopped here, by whomever: the next who starts it may be a person. */
    void forget(Name vm) {
        try {
            Files.deleteIfExists(note(vm));
        } catch (IOException e) {
            LOG.warn("{} is stopped, but {} cannot be removed: {}", vm, note(vm), e.getMessage());
        }
    }

    private Path note(Name vm) {
        return runDirectory.apply(vm).resolve("placed");
    }

    private Optional<String> resource(Name vm) {
        if (!Files.exists(note(vm))) {
            return Optional.empty();
        }
        try {
            String text = Files.readString(note(vm)).strip();
            return Optional.of(RESOURCE.matcher(text).matches() ? text : vm.value());
        } catch (IOException e) {
            // It may be gone by now; if not, the machine's name is usually the resource's, too.
            LOG.debug("{} cannot be read: {}", note(vm), e.getMessage());
            return Files.exists(note(vm)) ? Optional.of(vm.value()) : Optional.empty();
        }
    }
}
