package dev.holdfast.agent.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The process itself. */
public final class ProcessEnvironment implements Environment {
    private static final int USUAL_WIDTH = 100;

    private final Daemons daemons;
    private final InstantSource clock;
    private final PrintWriter out;
    private final PrintWriter err;

    /**
     * @param daemons the long-running commands
     * @param clock the wall clock
     */
    public ProcessEnvironment(Daemons daemons, InstantSource clock) {
        this.daemons = daemons;
        this.clock = clock;
        Charset charset = utf8() ? StandardCharsets.UTF_8 : Charset.defaultCharset();
        this.out = new PrintWriter(System.out, true, charset);
        this.err = new PrintWriter(System.err, true, charset);
    }

    @Override
    public PrintWriter out() {
        return out;
    }

    @Override
    public PrintWriter err() {
        return err;
    }

    @Override
    public Optional<String> readLine() throws IOException {
        return Optional.ofNullable(
                new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset())).readLine());
    }

    @Override
    public boolean interactive() {
        return terminal(0) && terminal(2);
    }

    @Override
    public int width() {
        return variable("COLUMNS")
                .filter(text -> text.matches("\\d{1,4}"))
                .map(Integer::valueOf)
                .orElse(USUAL_WIDTH);
    }

    @Override
    public boolean unicode() {
        return utf8();
    }

    @Override
    public Optional<String> variable(String name) {
        return Optional.ofNullable(System.getenv(name)).filter(value -> !value.isEmpty());
    }

    /** Where the directory cannot be entered, nothing says that the file is not there. */
    @Override
    public boolean mayRead(Path file) {
        return Files.isReadable(file) || Files.notExists(file);
    }

    @Override
    public InstantSource clock() {
        return clock;
    }

    @Override
    public int run(List<String> command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    @Override
    public Daemons daemons() {
        return daemons;
    }

    private static boolean utf8() {
        return Stream.of("LC_ALL", "LC_CTYPE", "LANG")
                .map(System::getenv)
                .filter(value -> value != null && !value.isEmpty())
                .findFirst()
                .map(value -> value.toUpperCase(Locale.ROOT).replace("-", "").endsWith("UTF8"))
                .orElse(false);
    }

    /** The JDK's {@code System.console()} changed its meaning with version 22; the kernel's answer did not. */
    private static boolean terminal(int descriptor) {
        try {
            Path target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
            return target.startsWith("/dev/pts")
                    || target.toString().startsWith("/dev/tty")
                    || target.endsWith("console");
        } catch (IOException e) {
            return false;
        }
    }
}
