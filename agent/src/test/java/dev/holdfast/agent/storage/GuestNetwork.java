package dev.holdfast.agent.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;

/** Guests of User-Mode Linux with a network that they share, and nobody else. One thread. */
public final class GuestNetwork implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path socket;
    private final Process hub;
    private final List<StorageGuest> guests = new ArrayList<>();

    /** @param directory empty, or without a file that is called hub */
    public GuestNetwork(Path directory) throws IOException {
        socket = directory.resolve("hub");
        // It ends with its standard input, which is ours.
        hub = new ProcessBuilder("uml_switch", "-unix", socket.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        Awaitility.await().atMost(PATIENCE).until(() -> Files.exists(socket));
    }

    /** The address of a guest: the first has number 1. */
    public static String address(int guest) {
        return "10.77.0." + guest;
    }

    /** The next guest: {@code n1}, {@code n2} and so on. Otherwise as {@link StorageGuest#boot}. Ends with the network. */
    public StorageGuest boot(int disks, String... words) throws Exception {
        int number = guests.size() + 1;
        List<String> all = new ArrayList<>(List.of(words));
        all.add("node=n" + number);
        all.add("address=" + address(number));
        all.add("eth0=daemon,52:54:00:00:00:0%d,unix,%s".formatted(number, socket));
        StorageGuest guest = StorageGuest.boot(disks, all.toArray(String[]::new));
        guests.add(guest);
        return guest;
    }

    @Override
    public void close() throws Exception {
        hub.destroy();
        List<Exception> failures = new ArrayList<>();
        for (StorageGuest guest : guests) {
            try {
                guest.close();
            } catch (Exception e) {
                failures.add(e);
            }
        }
        if (!failures.isEmpty()) {
            throw failures.get(0);
        }
    }
}
