package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code holdfast}. */
@Command(
        name = "holdfast",
        description = "Checkpoints of groups of virtual machines at one instant, and the way back.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            CheckpointCommands.class,
            SnapshotCommands.class,
            VmCommands.class,
            GroupCommands.class,
            ScheduleCommands.class,
            ClusterCommands.class,
            FsckCommand.class,
            DoctorCommand.class,
            DaemonCommands.Agent.class,
            DaemonCommands.ZooKeeper.class,
            DaemonCommands.Prime.class,
            HoldfastCommand.Completion.class
        },
        footer = {
            "",
            "Exit codes: 0 done, 1 failed, 2 usage, 3 refused before anything was touched,",
            "4 timed out and undone, 5 store unreachable, 6 needs fsck, 7 nobody can tell whether it was done."
        })
public final class HoldfastCommand {
    private static final Path DEFAULT_CONFIGURATION = Path.of("/etc/holdfast/holdfast.toml");

    private final Environment environment;

    @Option(
            names = "--config",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "configuration (HOLDFAST_CONFIG, or /etc/holdfast/holdfast.toml)")
    private @Nullable Path configuration;

    @Option(
            names = "--socket",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "control socket of the agent (default: as configured)")
    private @Nullable Path socket;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "tell the version")
    private boolean version;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "explain a command")
    private boolean help;

    HoldfastCommand(Environment environment) {
        this.environment = environment;
    }

    /**
     * Runs one command.
     *
     * @return what the process returns
     */
    public static int run(String[] args, Environment environment) {
        if (args.length == 1 && (args[0].equals("--version") || args[0].equals("-V"))) {
            environment.out().println("holdfast " + version()); // Asked often by scripts: nothing else is loaded.
            return ExitCode.OK.number();
        }
        return commandLine(environment).execute(args);
    }

    /** The version of this build, as the jar's manifest has it. */
    public static String version() {
        return Optional.ofNullable(HoldfastCommand.class.getPackage().getImplementationVersion())
                .orElse("development");
    }

    /** The command with all it has below it; for the build, which writes the manual pages from it. */
    public static CommandLine commandLine(Environment environment) {
        Failures failures = new Failures(environment);
        CommandLine commandLine = new CommandLine(new HoldfastCommand(environment));
        commandLine.getCommandSpec().version("holdfast " + version());
        return commandLine
                .setOut(environment.out())
                .setErr(environment.err())
                .setUsageHelpWidth(Math.max(80, environment.width()))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Name.class, text -> converted(text, Name::new))
                .registerConverter(Duration.class, text -> converted(text, Quantity::duration))
                .registerConverter(Target.class, text -> converted(text, Target::parse))
                .setExecutionExceptionHandler(failures)
                .setParameterExceptionHandler(failures);
    }

    Environment environment() {
        return environment;
    }

    /** {@code holdfast.toml}: as given, as the environment says, or the usual one. */
    Path configuration() {
        if (configuration != null) {
            return configuration;
        }
        return environment.variable("HOLDFAST_CONFIG").map(Path::of).orElse(DEFAULT_CONFIGURATION);
    }

    /** The control socket, if it was named. */
    Optional<Path> socket() {
        return Optional.ofNullable(socket);
    }

    /** Whether a configuration was asked for by name, so that it must be there. */
    boolean configurationNamed() {
        return configuration != null || environment.variable("HOLDFAST_CONFIG").isPresent();
    }

    private interface Conversion<T> {
        T convert(String text);
    }

    private static <T> T converted(String text, Conversion<T> conversion) {
        try {
            return conversion.convert(text);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.TypeConversionException(e.getMessage());
        }
    }

    /** For packagers: {@code holdfast completion > /usr/share/bash-completion/completions/holdfast}. */
    @Command(name = "completion", description = "Print the completion script for bash.", hidden = true)
    static final class Completion implements Runnable {
        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public void run() {
            if (spec != null) {
                CommandLine root = spec.root().commandLine();
                root.getOut().println(AutoComplete.bash(root.getCommandName(), root));
            }
        }
    }
}
