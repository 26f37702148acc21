package dev.holdfast.agent.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class VmClaimsTest {
    private static final Name WEB = new Name("web");
    private static final Name DB = new Name("db");
    private static final Name ONE = new Name("op-1");
    private static final Name TWO = new Name("op-2");

    private final VmClaims claims = new VmClaims();

    @Test
    void aSecondOperationIsToldWhoHoldsTheMachine() {
        assertThat(claims.claim(ONE, OperationKind.CHECKPOINT, List.of(WEB))).isEmpty();

        assertThat(claims.claim(TWO, OperationKind.SNAPSHOT_DELETE, List.of(DB, WEB))
                        .orElseThrow()
                        .text())
                .isEqualTo("the machine web is busy: checkpoint op-1 has not ended; wait for it, or end it");
        assertThat(claims.holder(DB)).as("all or nothing").isEmpty();
    }

    @Test
    void claimingTwiceIsClaimingOnce() {
        claims.claim(ONE, OperationKind.CHECKPOINT, List.of(WEB));

        assertThat(claims.claim(ONE, OperationKind.CHECKPOINT, List.of(WEB))).isEmpty();
        claims.release(ONE);
        claims.release(ONE);
        assertThat(claims.claim(TWO, OperationKind.MERGE, List.of(WEB))).isEmpty();
    }

    @Test
    void operationsOnDifferentMachinesDoNotMeet() {
        assertThat(claims.claim(ONE, OperationKind.CHECKPOINT, List.of(WEB))).isEmpty();
        assertThat(claims.claim(TWO, OperationKind.CHECKPOINT, List.of(DB))).isEmpty();
        assertThat(claims.holders()).hasSize(2);
    }

    @Test
    void anOperationInDoubtHoldsItsMachineBeforeAMereIntent() {
        Operation intent = Operation.local(ONE, OperationKind.MERGE, WEB, Instant.EPOCH, "");
        Operation bound = new Operation(
                TWO,
                OperationKind.REVERT,
                OperationState.LOADED,
                List.of(WEB),
                Optional.empty(),
                List.of(),
                Instant.EPOCH.plusSeconds(9),
                "");

        assertThat(claims.restore(List.of(intent, bound))).containsExactly(intent);
        assertThat(claims.holder(WEB).orElseThrow().operation()).isEqualTo(TWO);
    }

    @Test
    void onlyOneOfManyRacersGetsAMachine() throws Exception {
        ExecutorService racers = Executors.newFixedThreadPool(8);
        try {
            List<Callable<Boolean>> attempts = java.util.stream.IntStream.range(0, 100)
                    .<Callable<Boolean>>mapToObj(
                            i -> () -> claims.claim(new Name("op-" + i), OperationKind.MERGE, List.of(WEB))
                                    .isEmpty())
                    .toList();
            int winners = 0;
            for (Future<Boolean> attempt : racers.invokeAll(attempts)) {
                winners += attempt.get() ? 1 : 0;
            }
            assertThat(winners).isEqualTo(1);
        } finally {
            racers.shutdownNow();
        }
    }
}
