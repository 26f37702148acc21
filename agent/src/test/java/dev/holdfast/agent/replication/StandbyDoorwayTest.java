package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.PortRange;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.MemoryIntake;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.tunnel.Threshold;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A primary's orders and streams, through real sockets. */
class StandbyDoorwayTest {
    private static final Duration BOUND = Duration.ofMinutes(1);
    private static final int BYTES = 300_000;

    private final List<String> orders = Collections.synchronizedList(new ArrayList<>());
    private Path home;
    private StandbyPlace place;
    private StandbyDoorway doorway;
    private PeerLink link;
    private Memory memory;

    @BeforeEach
    void open() throws IOException {
        home = Files.createTempDirectory(Path.of("/tmp"), "hf");
        place = new StandbyPlace(Files.createDirectories(home.resolve("there")));
        doorway = StandbyDoorway.open(place, this::obey, this::intake, new Threshold("127.0.0.1", Optional.empty()));
        Copy peer = new Copy(new Name("n2"), new Name("c1"));
        link = PeerLink.open(
                peer,
                EpochContent.MEMORY_AND_DISKS,
                PeerLink.Opening.read(doorway.opening().told()),
                home);
    }

    @AfterEach
    void close() throws IOException {
        link.close();
        doorway.close();
        try (var files = Files.walk(home)) {
            for (Path file : files.sorted(Collections.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** What a standby does when memory is to come. */
    private void obey(OrderLine.Order order, long epoch, Duration patience) throws HypervisorException {
        orders.add(order + " " + epoch);
        if (order == OrderLine.Order.COMMIT && epoch == 9) {
            throw new HypervisorException(Kind.REFUSED, "not this one");
        }
    }

    /** The memory of an epoch. */
    private static final class Memory implements MemoryIntake {
        private final AtomicInteger bytes = new AtomicInteger();
        private volatile boolean whole;

        @Override
        public int write(ByteBuffer more) {
            int taken = more.remaining();
            more.position(more.limit());
            bytes.addAndGet(taken);
            return taken;
        }

        @Override
        public void end() {
            whole = true;
        }

        @Override
        public boolean isOpen() {
            return !whole;
        }

        @Override
        public void close() {}
    }

    private MemoryIntake intake(long epoch) throws HypervisorException {
        if (epoch > 2) {
            throw new HypervisorException(Kind.REFUSED, "not begun");
        }
        memory = new Memory();
        return memory;
    }

    private SocketChannel send(long epoch) throws Exception {
        SocketChannel stream =
                SocketChannel.open(UnixDomainSocketAddress.of(link.begin(epoch).orElseThrow()));
        ByteBuffer bytes = ByteBuffer.wrap(new byte[BYTES]);
        while (bytes.hasRemaining()) {
            stream.write(bytes);
        }
        return stream;
    }

    @Test
    void memoryIsThereWhenItHasAllComeAndNotWhenItWasCutOff() throws Exception {
        SocketChannel whole = send(1);
        whole.shutdownOutput();
        doorway.awaitAll(1, BOUND);
        assertThat(memory.bytes).hasValue(BYTES);
        assertThat(memory.whole).isTrue();

        send(2);
        link.close();
        assertThatThrownBy(() -> doorway.awaitAll(2, BOUND))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
        assertThatThrownBy(() -> doorway.awaitAll(3, BOUND)).hasMessageContaining("no memory has come for epoch 3");
    }

    @Test
    void theDoorIsAtAPortThatTheFirewallLetsThrough() throws Exception {
        int taken = doorway.opening().port();
        Threshold only = new Threshold("127.0.0.1", Optional.of(new PortRange(taken, taken)));
        assertThatThrownBy(() -> StandbyDoorway.open(place, this::obey, this::intake, only))
                .hasMessageContaining("no port of migration.ports, " + taken + "-" + taken + ", is free");
        PortRange range = new PortRange(taken, Math.min(taken + 200, 65_535));
        try (StandbyDoorway second =
                StandbyDoorway.open(place, this::obey, this::intake, new Threshold("127.0.0.1", Optional.of(range)))) {
            assertThat(second.opening().port()).isBetween(range.first() + 1, range.last());
        }
    }

    @Test
    void ordersAreCarriedOutAndARefusalIsOne() throws Exception {
        link.beat(BOUND);
        link.startFollowing();
        link.commit(8, BOUND);
        assertThat(orders).containsExactly("BEAT 0", "FOLLOW 0", "COMMIT 8");
        assertThatThrownBy(() -> link.commit(9, BOUND))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessage("not this one");
        link.commit(10, BOUND);
        doorway.close();
        assertThatThrownBy(() -> link.commit(11, BOUND))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNKNOWN));
    }
}
