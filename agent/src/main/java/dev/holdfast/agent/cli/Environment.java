package dev.holdfast.agent.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** What the command line needs of the process it runs in. One thread. */
public interface Environment {

    /** Standard output: results. */
    PrintWriter out();

    /** Standard error: progress, questions, errors. */
    PrintWriter err();

    /** The user's next line, or empty at the end of the input. */
    Optional<String> readLine() throws IOException;

    /** Whether a person can be asked, and sees a progress bar: standard input and standard error are a terminal. */
    boolean interactive();

    /** Columns of the terminal. */
    int width();

    /** Whether the terminal shows more than ASCII. */
    boolean unicode();

    /** An environment variable. */
    Optional<String> variable(String name);

    /** Whether the user may read a file of this host; also if it is not there. */
    boolean mayRead(Path file);

    /** The wall clock, for the default names of checkpoints. */
    InstantSource clock();

    /**
     * Runs a program that takes over the terminal.
     *
     * @return its exit code
     */
    int run(List<String> command) throws IOException, InterruptedException;

    /** The long-running commands. */
    Daemons daemons();
}
