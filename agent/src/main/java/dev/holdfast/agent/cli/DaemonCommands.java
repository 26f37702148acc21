package dev.holdfast.agent.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The commands that stay. */
final class DaemonCommands {
    private DaemonCommands() {}

    @Command(name = "agent", description = "Run the agent of this node (what the system service does).")
    static final class Agent implements Callable<Integer> {
        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            HoldfastCommand root = root(spec);
            return root.environment().daemons().agent(root.configuration());
        }
    }

    @Command(name = "prime", hidden = true, description = "Go through what the product does, for holdfast-prime.")
    static final class Prime implements Callable<Integer> {
        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            return root(spec).environment().daemons().prime();
        }
    }

    @Command(
            name = "zookeeper",
            description = "Run a ZooKeeper server: for a first try, without an ensemble of your own.")
    static final class ZooKeeper implements Callable<Integer> {
        @Spec
        private @Nullable CommandSpec spec;

        @Option(
                names = "--data",
                paramLabel = "DIRECTORY",
                defaultValue = "/var/lib/holdfast/zookeeper",
                description = "where it keeps its data (${DEFAULT-VALUE})")
        private Path directory = Path.of("");

        @Option(names = "--address", defaultValue = "127.0.0.1", description = "where it listens (${DEFAULT-VALUE})")
        private String address = "";

        @Option(names = "--port", defaultValue = "2181", description = "where it listens (${DEFAULT-VALUE})")
        private int port;

        @Option(names = "--id", defaultValue = "1", description = "number of this server in an ensemble")
        private int id;

        @Option(
                names = "--servers",
                split = ",",
                paramLabel = "HOST:PEER:ELECTION",
                description = "the servers of the ensemble, in the order of their numbers")
        private List<String> servers = List.of();

        @Override
        public Integer call() throws Exception {
            HoldfastCommand root = root(spec);
            return root.environment()
                    .daemons()
                    .zookeeper(
                            new Daemons.ZooKeeperOptions(root.configuration(), directory, address, port, id, servers));
        }
    }

    private static HoldfastCommand root(@Nullable CommandSpec spec) {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the field before it calls");
        }
        return (HoldfastCommand) spec.root().userObject();
    }
}
