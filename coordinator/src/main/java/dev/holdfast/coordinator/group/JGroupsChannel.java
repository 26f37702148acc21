package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.Receiver;
import org.jgroups.View;
import org.jspecify.annotations.Nullable;

/**
 * The group channel on JGroups. A killed node is noticed within a second, one that hangs within five. Views are not
 * agreed on and mean nothing but who can be talked to. Thread-safe; see the package for its threads.
 *
 * <p>JGroups 5.5.7 needs no Java serialization here: run the process with {@code -Djdk.serialFilter=!*}.
 */
public final class JGroupsChannel implements GroupChannel {

    private static final long CLOCK_PERIOD_MILLIS = 2_000;

    private final ChannelSettings settings;
    private final LongSupplier wallClockNanos;
    private final Address own;
    private final Counters counters = new Counters();
    private final Clocks clocks = new Clocks();
    private final Desk desk =
            new Desk((node, bytes) -> post(roster(), node, ways -> ways.bulk().offer(bytes, true)));
    private final Early<Message> early = new Early<>(() -> counters.dropped(Drop.STRANGER));
    private final JChannel channel;
    private final ScheduledExecutorService clockThread;
    private final Map<Address, Lanes> lanes = new HashMap<>();
    private volatile Map<Address, Lanes> openLanes = Map.of();
    private volatile Roster roster;
    private volatile @Nullable Listener listener;

    /**
     * Makes a channel that is not connected yet.
     *
     * @param peers the addresses at which the channels of the other nodes listen, as far as they are known now; this
     *     node's own may be among them. Asked when the channel starts and every few seconds, on a thread of JGroups that may
     *     block for a moment; must not throw, and should name the last known ones if the registry cannot be asked
     * @param wallClockNanos nanoseconds since 1970
     * @throws IOException the stack could not be built
     */
    public JGroupsChannel(
            ChannelSettings settings, Supplier<Collection<InetSocketAddress>> peers, LongSupplier wallClockNanos)
            throws IOException {
        this.settings = settings;
        this.wallClockNanos = wallClockNanos;
        this.own = NodeAddress.of(settings.node());
        this.roster = Roster.of(List.of(), settings.node(), own);
        this.channel = build(settings, peers, counters);
        channel.addAddressGenerator(() -> own);
        channel.setDiscardOwnMessages(true);
        channel.setReceiver(new Inbox());
        clockThread = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "group-clocks");
            thread.setDaemon(true);
            return thread;
        });
    }

    private static JChannel build(
            ChannelSettings settings, Supplier<Collection<InetSocketAddress>> peers, Counters counters)
            throws IOException {
        try {
            return new JChannel(ChannelStack.build(settings, peers, counters))
                    .name(settings.node().value());
        } catch (Exception declared) { // JGroups declares nothing narrower
            throw new IOException("the group channel could not be set up: " + declared.getMessage(), declared);
        }
    }

    /**
     * Connects: joins the nodes that are there, or is alone until others come. Blocks for at most a few seconds. Once only.
     *
     * @param to told of messages and departures from now on
     * @throws IOException the channel could not listen; the message says what to do
     */
    public void start(Listener to) throws IOException {
        listener = to;
        try {
            channel.connect("holdfast-" + settings.cluster());
        } catch (Exception declared) { // JGroups declares nothing narrower
            throw new IOException(
                    ("the group channel could not listen on %s, port %d (%s): is another holdfastd running, and "
                                    + "is the address one of this node?")
                            .formatted(settings.bindAddress().getHostAddress(), settings.port(), declared.getMessage()),
                    declared);
        }
        clockThread.execute(Wire::warmUp);
        clockThread.scheduleWithFixedDelay(
                this::measureClocks, CLOCK_PERIOD_MILLIS, CLOCK_PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void send(Set<Name> to, GroupMessage message) {
        byte[] bytes = Wire.encode(message);
        boolean urgent = message.match(freeze -> true, frozen -> true, voided -> true, progress -> false);
        Roster now = roster;
        for (Name node : to) {
            if (!node.equals(settings.node())) {
                post(now, node, ways -> ways.quick().offer(bytes, urgent));
            }
        }
        Listener told = listener;
        if (told != null && to.contains(settings.node())) {
            told.onMessage(settings.node(), message);
        }
    }

    private boolean post(Roster now, Name node, Predicate<Lanes> offer) {
        Address life = now.lives().get(node);
        Lanes ways = life == null ? null : openLanes.get(life);
        if (ways == null) {
            counters.dropped(Drop.ABSENT);
            return false;
        }
        if (offer.test(ways)) {
            counters.sent();
            return true;
        }
        counters.dropped(Drop.QUEUE_FULL);
        return false;
    }

    /** On the thread of a lane. */
    private void transmit(Address life, byte[] bytes) {
        if (channel.isConnected()) {
            channel.down(new BytesMessage(life, bytes).setFlag(Message.Flag.OOB, Message.Flag.DONT_BUNDLE));
        }
    }

    @Override
    public Set<Name> present() {
        return roster.nodes();
    }

    @Override
    public long clockNanos() {
        return wallClockNanos.getAsLong();
    }

    @Override
    public ClockOffset clockOffset(Name node) {
        return node.equals(settings.node()) ? new ClockOffset(0, 0) : clocks.offset(node);
    }

    /** Asks all present nodes for their time; the answers count as soon as they are there. Does not block. */
    public void measureClocks() {
        Roster now = roster;
        for (Name node : now.nodes()) {
            if (!node.equals(settings.node())) {
                byte[] question = Wire.encode(new Wire.Ping(wallClockNanos.getAsLong()));
                post(now, node, ways -> ways.quick().offer(question, false));
            }
        }
    }

    /** Requests between agents, over the same encrypted connections. */
    public NodeLink link() {
        return desk;
    }

    private Roster roster() {
        return roster;
    }

    /** What went through the channel so far. */
    public ChannelFigures figures() {
        return counters.figures();
    }

    /** Leaves the group, so that the others notice at once. Waits for at most a second. */
    @Override
    public void close() {
        listener = null;
        clockThread.shutdownNow();
        desk.close();
        channel.close();
        meet(Roster.of(List.of(), settings.node(), own));
    }

    /** Takes over a new roster: lanes for those who came, none for those who left. */
    private synchronized void meet(Roster next) {
        Set<Address> present = Set.copyOf(next.lives().values());
        lanes.entrySet().removeIf(entry -> {
            boolean gone = !present.contains(entry.getKey());
            if (gone) {
                entry.getValue().close();
            }
            return gone;
        });
        next.lives().forEach((node, life) -> {
            if (!life.equals(own)) {
                lanes.computeIfAbsent(life, to -> Lanes.open("group-to-" + node, bytes -> transmit(to, bytes)));
            }
        });
        openLanes = Map.copyOf(lanes);
        roster = next;
    }

    /** What JGroups tells, on its threads. */
    private final class Inbox implements Receiver {

        @Override
        public void viewAccepted(View view) {
            Roster before = roster;
            Roster next = Roster.of(view.getMembers(), settings.node(), own);
            meet(next);
            Set<Name> left = before.missingFrom(next);
            clocks.forget(left);
            desk.left(left);
            Listener told = listener;
            if (told != null && !left.isEmpty()) {
                told.onLeft(left);
            }
            early.release(message -> senderOf(message).isPresent(), this::hear);
            if (!before.nodes().containsAll(next.nodes())) {
                measureClocks();
            }
        }

        @Override
        public void receive(Message message) {
            if (NodeAddress.nameOf(message.getSrc()).isEmpty()) {
                counters.dropped(Drop.STRANGER);
                return;
            }
            if (senderOf(message).isPresent()
                    || !early.hold(message, () -> senderOf(message).isPresent())) {
                hear(message);
            }
        }

        /** Empty unless it belongs to the view. */
        private Optional<Name> senderOf(Message message) {
            Address life = message.getSrc();
            return NodeAddress.nameOf(life)
                    .filter(node -> life.equals(roster.lives().get(node)));
        }

        private void hear(Message message) {
            Optional<Name> sender = senderOf(message);
            if (sender.isEmpty()) {
                counters.dropped(Drop.STRANGER);
                return;
            }
            try {
                JGroupsChannel.this.hear(sender.get(), Wire.decode(bytesOf(message)));
            } catch (CodecException malformed) {
                counters.dropped(Drop.MALFORMED);
            }
        }

        private byte[] bytesOf(Message message) throws CodecException {
            if (!(message instanceof BytesMessage bytes) || !bytes.hasPayload()) {
                throw new CodecException("a message without bytes");
            }
            return bytes.getBytes();
        }
    }

    private void hear(Name sender, Wire wire) {
        wire.accept(new Wire.Visitor() {
            @Override
            public void round(Wire.Round round) {
                hear(sender, round.message());
            }

            @Override
            public void ping(Wire.Ping ping) {
                byte[] answer = Wire.encode(new Wire.Pong(ping.sentNanos(), wallClockNanos.getAsLong()));
                post(roster, sender, ways -> ways.quick().offer(answer, false));
            }

            @Override
            public void pong(Wire.Pong pong) {
                clocks.note(sender, pong.sentNanos(), pong.thereNanos(), wallClockNanos.getAsLong());
            }

            @Override
            public void ask(Wire.Ask ask) {
                desk.asked(sender, ask);
            }

            @Override
            public void answer(Wire.Answer answer) {
                desk.answered(answer);
            }
        });
    }

    private void hear(Name sender, GroupMessage message) {
        Name speaksFor = message.match(
                freeze -> sender, frozen -> frozen.member(), voided -> voided.member(), progress -> progress.member());
        if (!speaksFor.equals(sender)) {
            counters.dropped(Drop.IMPOSTOR);
            return;
        }
        counters.received();
        Listener told = listener;
        if (told != null) {
            told.onMessage(sender, message);
        }
    }
}
