package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.server.embedded.ExitHandler;
import org.apache.zookeeper.server.embedded.ZooKeeperServerEmbedded;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A ZooKeeper server for a first try, of one or several servers, in a process of its own: it must not share the heap or
 * the fate of an agent. Production clusters run ZooKeeper as their distribution packages it.
 *
 * <p>Durability is never traded for speed: each write is flushed. Run it with
 * {@code -Xms32m -Xmx96m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError}, 256 MiB for a production ensemble.
 */
public final class EmbeddedZooKeeper {

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedZooKeeper.class);

    private EmbeddedZooKeeper() {}

    /**
     * Runs a server until the process is asked to end (SIGTERM, SIGINT).
     *
     * @throws IOException if it cannot start; the message says what to do
     */
    public static void run(EmbeddedSettings settings) throws IOException, InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        ZooKeeperServerEmbedded server = start(settings);
        Thread end = new Thread(
                () -> {
                    server.close();
                    ended.countDown();
                },
                "holdfast-zookeeper-end");
        Runtime.getRuntime().addShutdownHook(end);
        LOG.info("ZooKeeper listens on {}:{}", settings.clientAddress(), settings.clientPort());
        ended.await();
    }

    private static ZooKeeperServerEmbedded start(EmbeddedSettings settings) throws IOException, InterruptedException {
        prepare(settings);
        requireFree(settings.clientAddress(), settings.clientPort());
        if (!settings.servers().isEmpty()) {
            String[] own = settings.servers().get(settings.id()).split(":");
            requireFree(own[0], Integer.parseInt(own[1]));
            requireFree(own[0], Integer.parseInt(own[2]));
        }
        try {
            ZooKeeperServerEmbedded server = ZooKeeperServerEmbedded.builder()
                    .baseDir(settings.dataDirectory())
                    .configuration(configuration(settings))
                    .exitHandler(ExitHandler.LOG_ONLY)
                    .build();
            server.start(Integer.MAX_VALUE);
            return server;
        } catch (InterruptedException | RuntimeException through) {
            throw through;
        } catch (Exception failed) { // the signature of ZooKeeper
            throw new IOException(
                    ("ZooKeeper could not start with %s: %s. If the machine lost power or the disk was full, its last log"
                                    + " may be damaged: with three servers, move %s away and start again, it copies all"
                                    + " from the others; with one server alone, keep it and ask for help")
                            .formatted(settings.dataDirectory(), failed.getMessage(), settings.dataDirectory()),
                    failed);
        }
    }

    private static void prepare(EmbeddedSettings settings) throws IOException {
        Path data = data(settings);
        Files.createDirectories(data);
        if (settings.servers().isEmpty()) {
            return;
        }
        Path myid = data.resolve("myid");
        String id = Integer.toString(settings.id());
        if (Files.exists(myid) && !Files.readString(myid).strip().equals(id)) {
            throw new IOException("%s belongs to server %s, not to server %s; two servers must not share a directory"
                    .formatted(settings.dataDirectory(), Files.readString(myid).strip(), id));
        }
        Files.writeString(myid, id + "\n");
    }

    private static Path data(EmbeddedSettings settings) {
        return settings.dataDirectory().resolve("data");
    }

    /** ZooKeeper itself reports a port in use late, or only in its log. */
    private static void requireFree(String address, int port) throws IOException {
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.getByName(address), port));
        } catch (IOException taken) {
            throw new IOException(
                    ("ZooKeeper cannot listen on %s:%d (%s). If another server runs there, use it or stop it"
                                    + " (ss -ltnp 'sport = :%d'), or choose another port")
                            .formatted(address, port, taken.getMessage(), port),
                    taken);
        }
    }

    private static Properties configuration(EmbeddedSettings settings) {
        Properties all = new Properties();
        all.setProperty("dataDir", data(settings).toString());
        all.setProperty("clientPort", Integer.toString(settings.clientPort()));
        all.setProperty("clientPortAddress", settings.clientAddress());
        all.setProperty("tickTime", "500");
        all.setProperty("initLimit", "20");
        all.setProperty("syncLimit", "10");
        // Without these, sessions would be held between 2 and 20 ticks.
        all.setProperty("minSessionTimeout", "2000");
        all.setProperty("maxSessionTimeout", "300000");
        all.setProperty("autopurge.snapRetainCount", "5");
        all.setProperty("autopurge.purgeInterval", "1");
        all.setProperty("admin.enableServer", "false");
        // Whoever names no user is cut off, before any node's own rights are looked at.
        all.setProperty("enforce.auth.enabled", "true");
        all.setProperty("enforce.auth.schemes", "digest");
        all.setProperty("4lw.commands.whitelist", "srvr,ruok");
        settings.servers().forEach((number, server) -> all.setProperty("server." + number, server));
        return all;
    }
}
