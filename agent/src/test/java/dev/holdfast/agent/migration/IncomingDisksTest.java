package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A new agent finds a copy of a machine's disks, and no process. */
class IncomingDisksTest {
    @TempDir
    private Path directory;

    private DisksOfOneNode node;
    private Operation entry;

    @BeforeEach
    void copyDisks() throws IOException {
        node = new DisksOfOneNode("n2", directory, () -> {
            throw new AssertionError("nobody is asked");
        });
        entry = node.journal(OperationKind.MIGRATE_IN, "n1");
        node.copy(DisksOfOneNode.ID);
    }

    private JsonObject dropped() throws JsonException {
        return new Arrivals(node.tools, "127.0.0.1")
                .drop(JsonObject.of(Map.of(Word.MIGRATION, "m1", Word.VM, "web", Word.COPIED, true)));
    }

    @Test
    void whatWasNotTakenIsRemovedAndNeverRan() throws Exception {
        Incoming incoming = new Incoming(node.tools, node.machine, entry);
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.WAITING);
        assertThatThrownBy(() -> ChainDirectory.open(node.chain)).hasMessageContaining("being copied here");
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.NEVER_RAN);
        assertThat(node.chain).doesNotExist();
        assertThat(Word.answer(dropped())).isEqualTo(Word.Answer.NEVER_RAN);
    }

    @Test
    void whatWasTakenIsTheMachinesAlthoughItsMemoryIsLost() throws Exception {
        Operation taken = entry.in(OperationState.HANDED_OVER);
        node.tools.journal().write(taken);
        Incoming incoming = new Incoming(node.tools, node.machine, taken);
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.LOST);
        assertThat(ChainDirectory.open(node.chain).head().number()).isEqualTo(1);
        assertThat(node.chain.resolve("arriving.json")).doesNotExist();
        assertThat(Word.answer(dropped()))
                .as("whoever asks long afterwards, and even if the disks are not mounted then")
                .isEqualTo(Word.Answer.UNKNOWN);
    }
}
