package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.TreeMap;

/** One server of a test's ensemble, in a process of its own: {@code data-directory client-port id 1=host:port:port ...}. */
public final class EnsembleServerMain {

    private EnsembleServerMain() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        endWithTheParent();
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

    static void endWithTheParent() {
        Thread parent = new Thread(EnsembleServerMain::endWithTheTest, "parent");
        parent.setDaemon(true);
        parent.start();
    }

    /** The input ends when the test's process does, however it ends. */
    private static void endWithTheTest() {
        try {
            System.in.transferTo(OutputStream.nullOutputStream());
        } catch (IOException ended) {
            // The same as the end of the input.
        }
        Runtime.getRuntime().halt(0);
    }
}
