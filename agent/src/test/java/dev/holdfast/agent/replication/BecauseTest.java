package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import org.junit.jupiter.api.Test;

class BecauseTest {

    @Test
    void everyEventHasItsWords() {
        assertThat(ReplicaEvent.class.getPermittedSubclasses()).isNotEmpty().allMatch(Because::knows);
        assertThat(Because.of(new ReplicaEvent.StoreSilent())).isEqualTo("the store does not answer");
    }
}
