package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import org.junit.jupiter.api.Test;

class ComplaintsTest {
    private static final Name WEB = new Name("web");

    @Test
    void eachReasonIsSaidOnceUntilItIsAnotherOneOrOver() {
        Complaints complaints = new Complaints();
        assertThat(complaints.isNew(WEB, "lvs hangs")).isTrue();
        assertThat(complaints.isNew(WEB, "lvs hangs")).isFalse();
        assertThat(complaints.isNew(new Name("db"), "lvs hangs")).isTrue();
        assertThat(complaints.isNew(WEB, "lvs prints garbage")).isTrue();
        assertThat(complaints.isNew(WEB, "lvs hangs")).isTrue();
        complaints.end(WEB);
        assertThat(complaints.isNew(WEB, "lvs hangs")).isTrue();
    }
}
