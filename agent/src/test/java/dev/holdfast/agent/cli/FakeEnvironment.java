package dev.holdfast.agent.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A process without a terminal, unless the test says otherwise. */
final class FakeEnvironment implements Environment {
    final StringWriter out = new StringWriter();
    final StringWriter err = new StringWriter();
    final Deque<String> input = new ArrayDeque<>();
    final Map<String, String> variables = new HashMap<>();
    final List<Object> daemonCalls = new ArrayList<>();
    final List<List<String>> programs = new ArrayList<>();
    boolean interactive;
    boolean unicode;
    boolean root = true;
    int width = 100;

    private final PrintWriter outWriter = new PrintWriter(out, true);
    private final PrintWriter errWriter = new PrintWriter(err, true);

    int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return HoldfastCommand.run(args, this);
    }

    @Override
    public PrintWriter out() {
        return outWriter;
    }

    @Override
    public PrintWriter err() {
        return errWriter;
    }

    @Override
    public Optional<String> readLine() {
        return Optional.ofNullable(input.poll());
    }

    @Override
    public boolean interactive() {
        return interactive;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public boolean unicode() {
        return unicode;
    }

    @Override
    public Optional<String> variable(String name) {
        return Optional.ofNullable(variables.get(name));
    }

    @Override
    public boolean mayRead(Path file) {
        return root;
    }

    @Override
    public InstantSource clock() {
        return InstantSource.fixed(Instant.parse("2026-11-21T10:11:12.345678Z"));
    }

    @Override
    public int run(List<String> command) {
        programs.add(command);
        return 0;
    }

    @Override
    public Daemons daemons() {
        return new Daemons() {
            @Override
            public int agent(Path configuration) {
                daemonCalls.add(configuration);
                return 7;
            }

            @Override
            public int prime() {
                return 0;
            }

            @Override
            public int zookeeper(ZooKeeperOptions options) {
                daemonCalls.add(options);
                return 8;
            }
        };
    }
}
