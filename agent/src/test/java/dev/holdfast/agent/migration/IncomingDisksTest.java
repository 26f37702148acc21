package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.chain.ArrivingChain;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import java.io.IOException;
import java.nio.file.Files;
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

    private CopyNotes notes() {
        return new CopyNotes(node.tools.stateDirectory());
    }

    private Incoming taken() throws IOException {
        Operation taken = entry.in(OperationState.HANDED_OVER);
        node.tools.journal().write(taken);
        return new Incoming(node.tools, node.machine, taken);
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
        Incoming incoming = taken();
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.LOST);
        assertThat(ChainDirectory.open(node.chain).head().number()).isEqualTo(1);
        assertThat(node.chain.resolve("arriving.json")).doesNotExist();
        assertThat(Word.answer(dropped()))
                .as("whoever asks long afterwards, and even if the disks are not mounted then")
                .isEqualTo(Word.Answer.LOST);
    }

    @Test
    void whatWasTakenIsNotLetGoWhileItsMarkCannotBeRead() throws Exception {
        Path mark = node.chain.resolve("arriving.json");
        String text = Files.readString(mark);
        Files.writeString(mark, "damaged");
        Incoming incoming = taken();
        incoming.restarted();
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.TAKEN);
        Files.writeString(mark, text);
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.LOST);
        assertThat(ChainDirectory.open(node.chain).head().number()).isEqualTo(1);
    }

    @Test
    void whatWasTakenIsNotLetGoWhileItsStorageIsNotMounted() throws Exception {
        notes().taken("m1");
        Path unmounted = Files.move(node.chain, node.chain.resolveSibling("elsewhere"));
        Files.createDirectory(node.chain);
        Incoming incoming = taken();
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.TAKEN);
        Files.delete(node.chain);
        Files.move(unmounted, node.chain);
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.LOST);
        assertThat(ChainDirectory.open(node.chain).head().number()).isEqualTo(1);
    }

    @Test
    void neverRanWhenItsCopyWasGivenUpBeforeTheJournalWasTold() throws Exception {
        ArrivingChain.find(node.chain, "m1").orElseThrow().giveUp();
        Incoming incoming = taken();
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.NEVER_RAN);
    }

    @Test
    void onlyWhoKnowsOfAMoveCanSayThatItNeverCame() throws Exception {
        ArrivingChain chain = ArrivingChain.find(node.chain, "m1").orElseThrow();
        assertThat(Word.answer(dropped())).as("journaled").isEqualTo(Word.Answer.UNKNOWN);
        node.tools.journal().remove(DisksOfOneNode.ID);
        assertThat(Word.answer(dropped())).isEqualTo(Word.Answer.NEVER_RAN);
        chain.own();
        assertThat(Word.answer(dropped()))
                .as("a chain that can be run from, whatever the state directory says")
                .isEqualTo(Word.Answer.UNKNOWN);
        chain.disown();
        chain.giveUp();
        assertThat(Word.answer(dropped())).isEqualTo(Word.Answer.NEVER_RAN);
        Files.delete(node.tools.stateDirectory().resolve("received/m1.json"));
        assertThat(Word.answer(dropped())).as("another state directory").isEqualTo(Word.Answer.UNKNOWN);
    }
}
