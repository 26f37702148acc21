package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.nio.file.Path;
import java.util.TreeMap;

/** One server of a test's ensemble, in a process of its own: {@code data-directory client-port id 1=host:port:port ...}. */
public final class EnsembleServerMain {

    private EnsembleServerMain() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        TreeMap<Integer, String> servers = new TreeMap<>();
        for (int index = 3; index < arguments.length; index++) {
            String[] parts = arguments[index].split("=");
            servers.put(Integer.parseInt(parts[0]), parts[1]);
        }
        EmbeddedZooKeeper.run(new EmbeddedSettings(
                Path.of(arguments[0]),
                EmbeddedSettings.LOOPBACK,
                Integer.parseInt(arguments[1]),
                Integer.parseInt(arguments[2]),
                servers));
    }
}
