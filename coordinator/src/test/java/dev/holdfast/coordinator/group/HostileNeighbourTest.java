package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;
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
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.protocols.TCP;
import org.jgroups.stack.Protocol;
import org.jgroups.util.DefaultSocketFactory;
import org.jgroups.util.SocketFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A real channel, and others on its network that do not have the key. */
@BesideOthers
class HostileNeighbourTest {

    private static final Name ALPHA = new Name("alpha-node");
    private static final Name BRAVO = new Name("bravo-node");
    private static final Name CHARLY = new Name("charly-node");
    private static final String CLUSTER = "cluster-of-secrets";
    private static final RoundId ROUND = new RoundId("round-of-secrets");
    private static final GroupMessage FROZEN = new GroupMessage.Frozen(ROUND, new Epoch(3), BRAVO);
    private static final int PORT = 7800;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final ChannelKey key = ChannelKey.of("0123456789abcdef", CLUSTER);
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> open = new ArrayList<>();
    private JGroupsChannel alpha;

    @BeforeEach
    void starts() throws IOException {
        alpha = channel(ALPHA, 1);
    }

    @AfterEach
    void closesAll() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    private static String address(int node) {
        return "127.98.%d.%d".formatted(ProcessHandle.current().pid() % 254 + 1, node);
    }

    private static Supplier<Collection<InetSocketAddress>> registry() {
        return () -> List.of(
                new InetSocketAddress(address(1), PORT),
                new InetSocketAddress(address(2), PORT),
                new InetSocketAddress(address(3), PORT));
    }

    private static ChannelSettings settings(Name node, int number, ChannelKey key) throws IOException {
        return new ChannelSettings(node, CLUSTER, InetAddress.getByName(address(number)), PORT, key);
    }

    private JGroupsChannel channel(Name node, int number) throws IOException {
        JGroupsChannel channel = new JGroupsChannel(settings(node, number, key), registry(), () -> 0);
        open.add(channel);
        channel.start(new GroupChannel.Listener() {
            @Override
            public void onMessage(Name from, GroupMessage message) {
                heard.add(node + " from " + from + ": " + message);
            }

            @Override
            public void onLeft(Set<Name> nodes) {
                // Of no interest.
            }
        });
        return channel;
    }

    /** Our own stack at the second address, on other sockets. */
    private JChannel member(ChannelKey itsKey, SocketFactory sockets) throws Exception {
        List<Protocol> stack = ChannelStack.build(settings(BRAVO, 2, itsKey), registry(), new Counters());
        ((TCP) stack.get(0)).setSocketFactory(sockets);
        Address itself = NodeAddress.of(BRAVO);
        JChannel member = new JChannel(stack).addAddressGenerator(() -> itself);
        open.add(member);
        return member.connect("holdfast-" + CLUSTER);
    }

    private JChannel tapped(TappedSockets tap) throws Exception {
        JChannel bravo = member(key, tap);
        await().atMost(PATIENCE).until(() -> alpha.present().contains(BRAVO));
        await().atMost(PATIENCE).until(() -> bravo.getView().size() == 2);
        return bravo;
    }

    private static void speak(JChannel member) throws Exception {
        for (Address other : member.getView().getMembers()) {
            if (!other.equals(member.getAddress())) {
                member.send(new BytesMessage(other, Wire.encode(FROZEN)).setFlag(Message.Flag.OOB));
            }
        }
    }

    private void awaitHeard(int messages) {
        await().atMost(PATIENCE).until(() -> heard.size() >= messages);
    }

    private long turnedAway() {
        return alpha.figures().dropped().get(Drop.UNSEALED);
    }

    private void awaitTurnedAway(long callers) {
        await().atMost(PATIENCE).until(() -> turnedAway() >= callers);
    }

    @Test
    void whoHasNoKeyOrAnotherNeitherJoinsNorIsHeard() throws Exception {
        ChannelKey other = ChannelKey.of("0123456789abcdeX", CLUSTER);
        List<SocketFactory> without =
                List.of(new DefaultSocketFactory(), new SealedSocketFactory(other, new Counters()));
        for (SocketFactory sockets : without) {
            long before = turnedAway();
            try (JChannel rogue = member(other, sockets)) {
                awaitTurnedAway(before + 1);
                rogue.send(new BytesMessage(null, Wire.encode(FROZEN)));
                awaitTurnedAway(before + 2);
                assertThat(rogue.getView().size()).isEqualTo(1);
            }
        }
        assertThat(alpha.present()).containsExactly(ALPHA);
        assertThat(heard).isEmpty();
    }

    @Test
    void theWireSaysNothing() throws Exception {
        TappedSockets tap = new TappedSockets(key);
        JChannel bravo = tapped(tap);
        int before = tap.sent().length;
        speak(bravo);
        awaitHeard(1);
        assertThat(tap.sent().length).as("bytes").isGreaterThan(before + Wire.encode(FROZEN).length);
        for (byte[] wire : List.of(tap.sent(), tap.received())) {
            assertThat(wire.length).isGreaterThan(500);
            assertThat(new String(wire, StandardCharsets.ISO_8859_1))
                    .doesNotContainIgnoringCase(
                            ALPHA.value(), BRAVO.value(), "secrets", "holdfast-", "frozen", "0123456789abcdef");
        }
    }

    @Test
    void whatWasRecordedAndIsSentAgainHasNoEffect() throws Exception {
        TappedSockets tap = new TappedSockets(key);
        JChannel bravo = tapped(tap);
        speak(bravo);
        awaitHeard(1);
        byte[] recorded = tap.sent();
        long before = turnedAway();
        replay(recorded, 1);
        awaitTurnedAway(before + 1);
        assertThat(alpha.present()).containsExactlyInAnyOrder(ALPHA, BRAVO);
        bravo.close();
        await().atMost(PATIENCE).until(() -> !alpha.present().contains(BRAVO));
        replay(recorded, 1);
        awaitTurnedAway(before + 2);
        alpha.close();
        alpha = channel(ALPHA, 1);
        replay(recorded, 1);
        awaitTurnedAway(1);
        JGroupsChannel charly = channel(CHARLY, 3);
        replay(recorded, 3);
        await().atMost(PATIENCE).until(() -> charly.figures().dropped().get(Drop.UNSEALED) > 0);
        assertThat(alpha.present()).doesNotContain(BRAVO);
        assertThat(heard).hasSize(1);
    }

    /** From a raw socket, until the other end hangs up. */
    private static void replay(byte[] recorded, int node) throws IOException {
        try (Socket socket = new Socket(address(node), PORT)) {
            socket.setSoTimeout(Math.toIntExact(PATIENCE.toMillis()));
            socket.getOutputStream().write(recorded);
            assertThat(socket.getInputStream().readAllBytes().length)
                    .as("bytes of answer: a salt at the most")
                    .isLessThanOrEqualTo(32);
        } catch (SocketException hungUp) {
            assertThat(hungUp).hasMessageMatching("(?i).*(reset|broken pipe|closed).*");
        }
    }

    @Test
    void aRecordThatIsRepeatedOnALiveConnectionIsNotHeardTwice() throws Exception {
        TappedSockets tap = new TappedSockets(key);
        JChannel bravo = tapped(tap);
        tap.repeatNext();
        speak(bravo);
        awaitHeard(1);
        await().atMost(PATIENCE).until(tap::hasRepeated);
        await().atMost(PATIENCE).until(() -> {
            if (bravo.getView().size() == 2) {
                speak(bravo);
            }
            return heard.size() >= 2;
        });
        assertThat(alpha.figures().dropped()).containsEntry(Drop.MALFORMED, 0L).containsEntry(Drop.IMPOSTOR, 0L);
        // The end of the connection may have cost it its place for a moment.
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(alpha.present()).containsExactlyInAnyOrder(ALPHA, BRAVO));
    }

    private static byte[] greeting(int announced) {
        byte[] salt = new byte[32];
        new Random(announced).nextBytes(salt);
        return ByteBuffer.allocate(8 + salt.length + Integer.BYTES)
                .put("HOLDFAS1".getBytes(StandardCharsets.US_ASCII))
                .put(salt)
                .putInt(announced)
                .array();
    }

    private static long threads(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(name))
                .count();
    }

    /** Silent ones, and ones that announce records of 2 GB, 400 at once; a node with the key joins meanwhile and is heard. */
    @Test
    void aFloodOfStrangersCostsAFewThreadsAndKeepsNobodyOut() throws Exception {
        long most = 0;
        for (int i = 0; i < 400; i++) {
            Socket stranger = new Socket(address(1), PORT);
            open.add(stranger);
            if (i % 2 == 0) {
                write(stranger, greeting(Integer.MAX_VALUE - i));
            }
            most = Math.max(most, threads("channel-caller"));
        }
        JGroupsChannel charly = channel(CHARLY, 3);
        await().atMost(PATIENCE).until(() -> charly.present().contains(ALPHA));
        await().atMost(PATIENCE).until(() -> alpha.present().contains(CHARLY));
        charly.send(Set.of(ALPHA), new GroupMessage.Frozen(ROUND, new Epoch(3), CHARLY));
        awaitHeard(1);
        awaitTurnedAway(400);
        await().atMost(PATIENCE).until(() -> threads("channel-caller") == 0);
        assertThat(most).as("threads for strangers").isLessThanOrEqualTo(64);
        System.out.printf("group channel: 400 strangers at once: at most %d threads for them%n", most);
    }

    private static void write(Socket stranger, byte[] bytes) throws IOException {
        try {
            stranger.getOutputStream().write(bytes);
        } catch (SocketException hungUp) {
            assertThat(hungUp).hasMessageMatching("(?i).*(reset|broken pipe|closed).*");
        }
    }
}
