package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.protocols.TCP;
import org.jgroups.stack.Protocol;
import org.jgroups.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two nodes in one process; the second also as one that does not keep to the rules. */
@BesideOthers
class JGroupsChannelTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");
    private static final GroupMessage FROZEN = new GroupMessage.Frozen(new RoundId("r1"), new Epoch(3), N2);

    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
    private final Recorder heard = new Recorder();
    private final ChannelKey key = ChannelKey.of("0123456789abcdef", "lab");

    private static final class Recorder implements GroupChannel.Listener {

        private final List<String> messages = new CopyOnWriteArrayList<>();
        private final List<Name> left = new CopyOnWriteArrayList<>();

        @Override
        public void onMessage(Name from, GroupMessage message) {
            messages.add(from + " on " + Thread.currentThread().getName() + ": " + message);
        }

        @Override
        public void onLeft(Set<Name> nodes) {
            left.addAll(nodes);
        }
    }

    @AfterEach
    void closesAll() throws Exception {
        for (AutoCloseable channel : open) {
            channel.close();
        }
    }

    private static String address(int node) {
        return "127.99.%d.%d".formatted(ProcessHandle.current().pid() % 254 + 1, node);
    }

    private static Supplier<Collection<InetSocketAddress>> registry() {
        return () -> List.of(new InetSocketAddress(address(1), 7800), new InetSocketAddress(address(2), 7800));
    }

    private ChannelSettings settings(Name node, int number) throws IOException {
        return new ChannelSettings(node, "lab", InetAddress.getByName(address(number)), 7800, key);
    }

    private JGroupsChannel channel(Name node, int number, Recorder recorder) throws IOException {
        JGroupsChannel channel = new JGroupsChannel(settings(node, number), registry(), () -> 0);
        open.add(channel);
        channel.start(recorder);
        return channel;
    }

    /** A member of the group that sends what it likes. */
    private JChannel rogue(Address address, List<Protocol> stack) throws Exception {
        JChannel rogue = new JChannel(stack).addAddressGenerator(() -> address);
        open.add(rogue);
        return rogue.connect("holdfast-lab");
    }

    private static void sendTo(JChannel rogue, byte[] bytes) throws Exception {
        Address other = rogue.getView().getMembers().stream()
                .filter(member -> !member.equals(rogue.getAddress()))
                .findFirst()
                .orElseThrow();
        rogue.send(new BytesMessage(other, bytes).setFlag(Message.Flag.OOB));
    }

    private static void awaitDrop(JGroupsChannel channel, Drop reason) {
        await().atMost(PATIENCE).until(() -> channel.figures().dropped().get(reason) > 0);
    }

    @Test
    void whatANodeSendsItselfArrivesAtOnceOnTheSameThread() throws IOException {
        JGroupsChannel one = channel(N1, 1, heard);
        GroupMessage message = new GroupMessage.Freeze(new RoundId("r1"), new Epoch(3), 0);
        one.send(Set.of(N1, N2), message);
        assertThat(heard.messages)
                .containsExactly("n1 on " + Thread.currentThread().getName() + ": " + message);
        assertThat(one.present()).containsExactly(N1);
        assertThat(one.figures().dropped()).containsEntry(Drop.ABSENT, 1L);
        assertThat(one.clockOffset(N1).errorNanos()).isZero();
        assertThat(one.clockOffset(N2).errorNanos()).isEqualTo(-1);
    }

    @Test
    void nodeThatLeavesIsReportedAndMayComeBack() throws IOException {
        JGroupsChannel one = channel(N1, 1, heard);
        for (int life = 1; life <= 3; life++) {
            int lives = life;
            JGroupsChannel two = channel(N2, 2, new Recorder());
            await().atMost(PATIENCE).until(() -> one.present().contains(N2));
            await().atMost(PATIENCE).until(() -> two.present().contains(N1));
            two.send(Set.of(N1), FROZEN);
            await().atMost(PATIENCE).until(() -> heard.messages.size() == lives);
            two.close();
            await().atMost(PATIENCE).until(() -> heard.left.size() == lives);
        }
        assertThat(one.figures().received()).isEqualTo(3);
    }

    @Test
    void requestAndAnswerOfTheLargestSizeArriveAndRoundsGoOnBeside() throws Exception {
        JGroupsChannel one = channel(N1, 1, heard);
        JGroupsChannel two = channel(N2, 2, new Recorder());
        await().atMost(PATIENCE).until(() -> one.present().contains(N2));
        await().atMost(PATIENCE).until(() -> two.present().contains(N1));
        two.link().serve((from, payload) -> payload);
        byte[] largest = new byte[Desk.MAX_PAYLOAD];
        new Random(1).nextBytes(largest);
        List<CompletableFuture<byte[]>> answers = Stream.generate(
                        () -> one.link().request(N2, largest, PATIENCE))
                .limit(5)
                .toList();
        two.send(Set.of(N1), FROZEN);
        await().atMost(PATIENCE).until(() -> heard.messages.size() == 1);
        for (CompletableFuture<byte[]> answer : answers) {
            assertThat(answer.get(60, TimeUnit.SECONDS)).isEqualTo(largest);
        }
    }

    @Test
    void portInUseIsSaidWithWhatToDo() throws IOException {
        channel(N1, 1, heard);
        assertThatThrownBy(() -> channel(N2, 1, heard))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(address(1))
                .hasMessageContaining("7800")
                .hasMessageContaining("another holdfastd");
    }

    @Test
    void memberThatSpeaksForAnotherOrNonsenseIsNotHeard() throws Exception {
        JGroupsChannel one = channel(N1, 1, heard);
        List<Protocol> stack = ChannelStack.build(settings(N2, 2), registry(), new Counters());
        JChannel rogue = rogue(NodeAddress.of(N2), stack);
        await().atMost(PATIENCE).until(() -> one.present().contains(N2));
        await().atMost(PATIENCE).until(() -> rogue.getView().size() == 2);
        sendTo(rogue, Wire.encode(new GroupMessage.Frozen(new RoundId("r1"), new Epoch(3), N1)));
        awaitDrop(one, Drop.IMPOSTOR);
        sendTo(rogue, new byte[] {9, 9, 9});
        awaitDrop(one, Drop.MALFORMED);
        assertThat(heard.messages).isEmpty();
        assertThat(((TCP) stack.get(0)).getDiagnosticsHandler().isEnabled()).isFalse();
    }

    @Test
    void memberThatIsNoNodeIsNotHeard() throws Exception {
        JGroupsChannel one = channel(N1, 1, heard);
        JChannel rogue = rogue(UUID.randomUUID(), ChannelStack.build(settings(N2, 2), registry(), new Counters()));
        await().atMost(PATIENCE).until(() -> rogue.getView().size() == 2);
        sendTo(rogue, Wire.encode(FROZEN));
        awaitDrop(one, Drop.STRANGER);
        assertThat(heard.messages).isEmpty();
        assertThat(one.present()).containsExactly(N1);
    }

    /** The host has just come up, and its address is not there yet; or the port is still taken. */
    @Test
    void whoCouldNotListenMayTryAgain() throws Exception {
        JGroupsChannel one = channel(N1, 1, heard);
        try (JGroupsChannel two = new JGroupsChannel(settings(N2, 2), registry(), () -> 0)) {
            ServerSocket taken = new ServerSocket(7800, 1, InetAddress.getByName(address(2)));
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> two.start(new Recorder()))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("could not listen on " + address(2));
            }
            taken.close();
            two.link().serve((from, payload) -> payload);
            two.start(new Recorder());
            await().atMost(PATIENCE).until(() -> one.present().contains(N2));
            assertThat(one.link().request(N2, new byte[] {7}, PATIENCE).get(60, TimeUnit.SECONDS))
                    .containsExactly(7);
        }
    }

    /** Who joins learns of it later than the others; pacemaker moves a machine to a node in that very moment. */
    @Test
    void whatIsAskedOfANodeAsSoonAsItIsSeenIsAnswered() throws Exception {
        JGroupsChannel one = channel(N1, 1, heard);
        for (int life = 0; life < 5; life++) {
            await().atMost(PATIENCE).until(() -> !one.present().contains(N2));
            CompletableFuture<byte[]> answer = CompletableFuture.supplyAsync(() -> {
                while (!one.present().contains(N2)) {
                    Thread.onSpinWait();
                }
                return one.link().request(N2, new byte[] {7}, PATIENCE).join();
            });
            try (JGroupsChannel two = new JGroupsChannel(settings(N2, 2), registry(), () -> 0)) {
                two.link().serve((from, payload) -> payload);
                two.start(new Recorder());
                assertThat(answer.get(60, TimeUnit.SECONDS)).containsExactly(7);
            }
        }
    }
}
