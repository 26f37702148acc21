package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.Leadership;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A leader in a process of its own, so that it can be stopped and continued: {@code connect cluster node}. It opens the
 * round r1 when it is elected; for each line on its input it tries to commit that round, by the epoch that it was elected
 * with, whatever it has heard since. It tells of everything on its output.
 */
public final class LeaderMain {

    private LeaderMain() {}

    public static void main(String[] arguments) throws IOException, StoreUnreachableException {
        StoreSettings settings = SharedEnsemble.settings(arguments[0], new Name(arguments[1]), arguments[2]);
        AtomicReference<Optional<Epoch>> elected = new AtomicReference<>(Optional.empty());
        try (ZooKeeperStore store = SharedEnsemble.open(settings, new SharedEnsemble.Memory())) {
            store.leadership().start(new Leadership.Listener() {
                @Override
                public void onElected(Epoch epoch) {
                    if (elected.get().isEmpty()) {
                        elected.set(Optional.of(epoch));
                    }
                    System.out.println("elected " + epoch);
                }

                @Override
                public void onDeposed() {
                    System.out.println("deposed");
                }

                @Override
                public void onStoreBack() {
                    System.out.println("back");
                }
            });
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                Epoch reign = elected.get().orElseThrow();
                System.out.println("answer "
                        + (line.equals("open")
                                ? store.decisions().open(Rounds.checkpoint("r1", reign, "shop", "one", "web"))
                                : store.decisions()
                                        .decide(
                                                Rounds.checkpoint("r1", reign, "shop", "one", "web"),
                                                Decision.COMMITTED,
                                                0,
                                                reign,
                                                List.of(Rounds.report("n1", "web", 1)),
                                                Rounds.NO_REASON)));
            }
        }
    }
}
