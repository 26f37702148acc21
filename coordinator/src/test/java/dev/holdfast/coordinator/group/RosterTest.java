package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import org.jgroups.Address;
import org.jgroups.util.ExtendedUUID;
import org.jgroups.util.UUID;
import org.jgroups.util.Util;
import org.junit.jupiter.api.Test;

class RosterTest {

    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");

    private final Address own = NodeAddress.of(N1);
    private final Address two = NodeAddress.of(N2);
    private final Address twoAgain = NodeAddress.of(N2);

    @Test
    void nodeIsPresentToItselfEvenAlone() {
        assertThat(Roster.of(List.of(), N1, own).nodes()).containsExactly(N1);
    }

    @Test
    void laterLifeOfANodeCounts() {
        Roster roster = Roster.of(List.of(two, own, twoAgain), N1, own);
        assertThat(roster.lives()).containsEntry(N2, twoAgain).containsEntry(N1, own);
    }

    @Test
    void ownLifeCountsAgainstAnotherOfTheSameName() {
        assertThat(Roster.of(List.of(own, NodeAddress.of(N1)), N1, own).lives()).containsEntry(N1, own);
    }

    @Test
    void restartedNodeIsReportedMissing() {
        Roster before = Roster.of(List.of(own, two), N1, own);
        Roster after = Roster.of(List.of(own, two, twoAgain), N1, own);
        assertThat(before.missingFrom(after)).containsExactly(N2);
        assertThat(after.missingFrom(after)).isEmpty();
        assertThat(after.missingFrom(before)).containsExactly(N2);
    }

    @Test
    void membersWithoutAProperNameAreNotPresent() {
        Address nameless = ExtendedUUID.randomUUID();
        Address improper = ExtendedUUID.randomUUID().put("node", new byte[] {'.', '.', '/'});
        assertThat(Roster.of(List.of(own, UUID.randomUUID(), nameless, improper), N1, own)
                        .nodes())
                .containsExactly(N1);
    }

    @Test
    void nameTravelsWithTheAddress() throws Exception {
        byte[] bytes = Util.objectToByteBuffer(two);
        Address read = Util.objectFromByteBuffer(bytes);
        assertThat(read).isEqualTo(two);
        assertThat(NodeAddress.nameOf(read)).contains(N2);
    }
}
