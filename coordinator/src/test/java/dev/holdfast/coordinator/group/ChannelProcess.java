package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A node in a process of its own. Arguments: node, address, port, key file, registry file (lines {@code host:port}), clock
 * offset in milliseconds. Takes commands on standard input and answers on standard output, one line each; says
 * {@code left <node>} when a node is gone.
 */
final class ChannelProcess implements GroupChannel.Listener {

    private static final Epoch EPOCH = new Epoch(1);

    /** What has not come by then never comes; what a pause of a process has delayed does. */
    private static final long LOST_SECONDS = 20;

    private final Name self;
    private final JGroupsChannel channel;
    private final ConcurrentHashMap<RoundId, CountDownLatch> waiting = new ConcurrentHashMap<>();

    private ChannelProcess(String[] args) throws IOException {
        self = new Name(args[0]);
        long clockOffsetMillis = Long.parseLong(args[5]);
        ChannelSettings settings = new ChannelSettings(
                self,
                "lab",
                InetAddress.getByName(args[1]),
                Integer.parseInt(args[2]),
                ChannelKey.read(Path.of(args[3]), "lab"));
        channel = new JGroupsChannel(settings, () -> registry(Path.of(args[4])), () -> wallNanos(clockOffsetMillis));
    }

    private static long wallNanos(long offsetMillis) {
        Instant now = Instant.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond())
                + now.getNano()
                + TimeUnit.MILLISECONDS.toNanos(offsetMillis);
    }

    private static Collection<InetSocketAddress> registry(Path file) {
        try {
            return Files.readAllLines(file).stream()
                    .map(line -> line.split(":"))
                    .map(parts -> new InetSocketAddress(parts[0], Integer.parseInt(parts[1])))
                    .toList();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    public static void main(String[] args) throws Exception {
        ChannelProcess process = new ChannelProcess(args);
        long begin = System.nanoTime();
        process.channel.start(process);
        process.say("started " + (System.nanoTime() - begin) / 1_000_000);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            process.obey(line.split(" "));
        }
        process.channel.close();
        process.say("closed");
    }

    private synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private void obey(String[] words) throws InterruptedException {
        switch (words[0]) {
            case "present" -> say("present " + new TreeSet<>(channel.present()));
            case "figures" -> say("figures " + channel.figures());
            case "clock" -> {
                GroupChannel.ClockOffset offset = channel.clockOffset(new Name(words[1]));
                say("clock " + offset.offsetNanos() + " " + offset.errorNanos());
            }
            case "bench" -> bench(Integer.parseInt(words[1]), words[2].split(","));
            case "flood" -> flood(new Name(words[1]), Integer.parseInt(words[2]));
            default -> say("unknown");
        }
    }

    /** FREEZE to each, FROZEN back from each; says half of the time of the slowest answer, in microseconds. */
    private void bench(int count, String[] peers) throws InterruptedException {
        Set<Name> to = new TreeSet<>(Arrays.stream(peers).map(Name::new).toList());
        long[] hopNanos = new long[count];
        int lost = 0;
        for (int i = 0; i < count && lost == 0; i++) {
            RoundId round = new RoundId("bench-" + self + "-" + i + "-" + System.nanoTime());
            CountDownLatch answers = new CountDownLatch(to.size());
            waiting.put(round, answers);
            long begin = System.nanoTime();
            channel.send(to, new GroupMessage.Freeze(round, EPOCH, 0));
            lost += answers.await(LOST_SECONDS, TimeUnit.SECONDS) ? 0 : 1;
            hopNanos[i] = (System.nanoTime() - begin) / 2;
            waiting.remove(round);
        }
        Arrays.sort(hopNanos);
        say("bench %d %d %d %d %d"
                .formatted(
                        hopNanos[count / 2] / 1_000,
                        hopNanos[count * 99 / 100] / 1_000,
                        hopNanos[count * 999 / 1000] / 1_000,
                        hopNanos[count - 1] / 1_000,
                        lost));
    }

    /** Sends large messages to all as fast as it can; says how long the slowest call took, in microseconds. */
    private void flood(Name other, int count) {
        GroupMessage message =
                new GroupMessage.VoidRound(new RoundId("flood"), EPOCH, self, Refusal.failed("\u20ac".repeat(1_000)));
        long slowest = 0;
        for (int i = 0; i < count; i++) {
            long begin = System.nanoTime();
            channel.send(Set.of(other), message);
            slowest = Math.max(slowest, System.nanoTime() - begin);
        }
        say("flood " + slowest / 1_000);
    }

    @Override
    public void onMessage(Name from, GroupMessage message) {
        message.match(
                freeze -> {
                    channel.send(Set.of(from), new GroupMessage.Frozen(freeze.round(), EPOCH, self));
                    return true;
                },
                frozen -> {
                    CountDownLatch answers = waiting.get(frozen.round());
                    if (answers != null) {
                        answers.countDown();
                    }
                    return true;
                },
                voided -> true,
                progress -> true);
    }

    @Override
    public void onLeft(Set<Name> nodes) {
        nodes.forEach(node -> say("left " + node));
    }
}
