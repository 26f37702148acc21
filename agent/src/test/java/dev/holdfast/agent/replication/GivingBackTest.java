package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.coordinator.protocol.Name;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who wants a machine that a round has. */
class GivingBackTest {
    private static final Name ROUND = new Name("r1");

    @TempDir
    private Path home;

    private final List<String> done = new ArrayList<>();
    private ParkingLab lab;
    private GivingBack givingBack;

    @BeforeEach
    void follow() throws Exception {
        lab = new ParkingLab(home);
        lab.world.sender = (Primary) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Primary.class}, (self, method, arguments) -> {
                    done.add(method.getName());
                    return null;
                });
        lab.guest.startCold();
        givingBack = new GivingBack(lab.parking, wish -> done.add(wish.name()), lab.guest, Runnable::run);
    }

    private void park() {
        lab.parking.park(ROUND, Duration.ofMinutes(10));
        lab.thread.runAll();
    }

    @Test
    void aDemoteEndsARoundAsSoonAsItHasLetTheGuestRunAndThenTheStreamOfItsMemory() {
        park();
        givingBack.before(Wish.DEMOTE);
        givingBack.look();
        assertThat(done).as("it may have been frozen before").containsExactly("DEMOTE", "DEMOTE");
        done.clear();
        lab.parking.voided(ROUND);
        givingBack.look();
        givingBack.look();
        assertThat(done).containsExactly("endCapture");

        lab.parking.end(ROUND);
        lab.thread.runAll();
        done.clear();
        park();
        lab.parking.voided(ROUND);
        givingBack.look();
        assertThat(done).as("nobody wants it any more").isEmpty();
    }

    @Test
    void aCheckpointThatWasGivenUpAlreadyIsNotWaitedForEither() {
        park();
        lab.parking.voided(ROUND);
        givingBack.look();
        assertThat(done).isEmpty();
        givingBack.before(Wish.DEMOTE);
        givingBack.look();
        assertThat(done).containsExactly("DEMOTE", "endCapture");
    }

    @Test
    void whoCanWaitDoes() {
        park();
        givingBack.before(Wish.SWITCHOVER);
        lab.parking.voided(ROUND);
        givingBack.look();
        assertThat(done).containsExactly("SWITCHOVER");
    }

    @Test
    void aRevertIsWaitedFor() {
        lab.parking.resume(ROUND);
        givingBack.before(Wish.DEMOTE);
        givingBack.look();
        assertThat(done).containsExactly("DEMOTE");
    }

    @Test
    void aMachineThatNoRoundHasIsGivenUpByNone() {
        givingBack.before(Wish.DEMOTE);
        givingBack.look();
        assertThat(done).isEmpty();
    }
}
