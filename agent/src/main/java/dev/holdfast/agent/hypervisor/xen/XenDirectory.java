package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.RunDirectory;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;

/**
 * The run directory of a machine under Xen: the configuration that each of its domains was started with. It is there as long as there may
 * be such a domain. Immutable.
 *
 * @param path the directory
 * @param vm the machine
 * @param instance empty for the machine itself
 */
record XenDirectory(Path path, Name vm, Optional<String> instance) {
    private static final String FIRST = "domain";

    static XenDirectory of(RunDirectory runDirectory, Name vm, Optional<String> instance) {
        return new XenDirectory(runDirectory.of(vm), vm, instance);
    }

    /** What the domain is called. */
    String domain() {
        return vm + instance.map(word -> "--" + word).orElse("");
    }

    /** Its first half is that of each domain that is this machine, whatever it is called: so ours are told from others of that name. */
    UUID uuid() {
        return new UUID(half(vm.value()), half(instance.orElse("")));
    }

    boolean owns(XlDomain domain) {
        return UUID.fromString(domain.uuid()).getMostSignificantBits() == half(vm.value());
    }

    private static long half(String text) {
        return UUID.nameUUIDFromBytes(("holdfast " + text).getBytes(StandardCharsets.UTF_8))
                .getMostSignificantBits();
    }

    /** What xl builds it from. */
    Path configuration() {
        return path.resolve(FIRST + instance.map(word -> "-" + word).orElse("") + ".cfg");
    }

    /** Whether there may be such a domain. */
    boolean mayRun() {
        return Files.exists(configuration());
    }

    void write(String configuration) throws HypervisorException {
        try {
            Files.createDirectories(path);
            Files.writeString(configuration(), configuration);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED, "cannot write " + configuration() + ": " + e.getMessage() + "; is /run full?", e);
        }
    }

    /** The domain is to be that one. */
    void copyTo(XenDirectory place) throws HypervisorException {
        try {
            Files.copy(configuration(), place.configuration(), StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "cannot write " + place.configuration() + ": " + e.getMessage() + "; is /run full?",
                    e);
        }
    }

    /** There is no such domain any more. */
    void forget() throws HypervisorException {
        try {
            Files.deleteIfExists(configuration());
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED, "cannot remove " + configuration() + ": " + e.getMessage() + "; remove it", e);
        }
    }
}
