package dev.holdfast.agent;

import dev.holdfast.coordinator.engine.Engine;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the product's own classes before they are needed. Without it the first freeze after a start of the agent waits for
 * the class loader, with machines standing still.
 */
final class Rehearsal {

    private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
    private static final String SUFFIX = ".class";
    private static final List<String> FREEZE_PATH = List.of(
            "dev.holdfast.coordinator.",
            "dev.holdfast.agent.round.",
            "dev.holdfast.agent.hypervisor.",
            "dev.holdfast.agent.qmp.",
            "dev.holdfast.agent.guard.",
            "dev.holdfast.agent.json.",
            "dev.holdfast.agent.unix.",
            "dev.holdfast.agent.journal.",
            "dev.holdfast.agent.snapshot.");

    private Rehearsal() {}

    /** All that takes part in a round. */
    static void freezePath() {
        load(name -> FREEZE_PATH.stream().anyMatch(name::startsWith));
    }

    /** Everything. */
    static void everything() {
        load(name -> true);
    }

    private static void load(Predicate<String> wanted) {
        for (Class<?> known : List.of(Rehearsal.class, Engine.class)) {
            try {
                Path jar = Path.of(known.getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI());
                if (Files.isRegularFile(jar)) {
                    load(jar, wanted);
                }
            } catch (IOException | URISyntaxException e) {
                LOG.debug("classes are loaded when they are needed", e);
            }
        }
    }

    private static void load(Path jar, Predicate<String> wanted) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            file.stream()
                    .map(JarEntry::getName)
                    .filter(name -> name.endsWith(SUFFIX) && !name.endsWith("-info" + SUFFIX))
                    .map(name ->
                            name.substring(0, name.length() - SUFFIX.length()).replace('/', '.'))
                    .filter(wanted)
                    .forEach(Rehearsal::load);
        }
    }

    private static void load(String name) {
        try {
            Class.forName(name, true, Rehearsal.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            LOG.debug("{} is loaded when it is needed", name, e);
        }
    }
}
