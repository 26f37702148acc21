package dev.holdfast.agent.migration;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.MovedChain;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chain of a machine on the node that it leaves, if its disks lie in one.
 *
 * @param chain empty if they do not
 */
record LeftChain(Optional<Path> chain) {
    private static final Logger LOG = LoggerFactory.getLogger(LeftChain.class);

    static LeftChain of(VmDefinition machine) {
        try {
            return new LeftChain(Optional.of(OutgoingDisks.directory(machine)));
        } catch (IOException e) {
            LOG.trace("{}: {}", machine.name(), e.getMessage());
            return new LeftChain(Optional.empty());
        }
    }

    /** Where it went, if it is set aside. */
    Optional<MovedChain.Note> note() throws IOException {
        return chain.isPresent() ? MovedChain.at(chain.get()).note() : Optional.empty();
    }

    boolean isSetAsideBy(String move) {
        try {
            return note().filter(note -> note.operation().equals(move)).isPresent();
        } catch (IOException e) {
            LOG.warn("{}", e.getMessage());
            return false;
        }
    }

    void setAside(String move, String target) throws IOException {
        if (chain.isPresent()) {
            MovedChain.at(chain.get()).setAside(move, target);
        }
    }

    void reopen(String move) throws IOException {
        if (chain.isPresent()) {
            MovedChain.at(chain.get()).reopen(move);
        }
    }

    void gone(String move) throws IOException {
        if (chain.isPresent()) {
            MovedChain.at(chain.get()).gone(move);
        }
    }
}
