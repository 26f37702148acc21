package dev.holdfast.agent.cluster.real;

import dev.holdfast.agent.cli.Daemons;
import dev.holdfast.agent.cli.Environment;
import dev.holdfast.agent.cli.HoldfastCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** What a command told its caller: exit code and both streams. */
record Told(int exit, String out, String err) {

    /** Runs a command as a script would, without a terminal. */
    static Told by(String... words) {
        Captured environment = new Captured();
        int exit = HoldfastCommand.run(words, environment);
        return new Told(exit, environment.out.toString(), environment.err.toString());
    }

    String all() {
        return "exit " + exit + "\n" + out + err;
    }

    private static final class Captured implements Environment {
        private final StringWriter out = new StringWriter();
        private final StringWriter err = new StringWriter();
        private final PrintWriter outWriter = new PrintWriter(out, true);
        private final PrintWriter errWriter = new PrintWriter(err, true);

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
            return Optional.empty();
        }

        @Override
        public boolean interactive() {
            return false;
        }

        @Override
        public int width() {
            return 100;
        }

        @Override
        public boolean unicode() {
            return false;
        }

        @Override
        public Optional<String> variable(String name) {
            return Optional.empty();
        }

        @Override
        public boolean mayRead(Path file) {
            return true;
        }

        @Override
        public InstantSource clock() {
            return InstantSource.system();
        }

        @Override
        public int run(List<String> command) {
            throw new UnsupportedOperationException("no terminal");
        }

        @Override
        public Daemons daemons() {
            throw new UnsupportedOperationException("daemons are processes of their own");
        }
    }
}
