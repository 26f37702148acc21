package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.config.Problem;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** The one place where a failure becomes text and an exit code. */
final class Failures implements IExecutionExceptionHandler, IParameterExceptionHandler {
    private final Environment environment;

    Failures(Environment environment) {
        this.environment = environment;
    }

    @Override
    public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
        PrintWriter err = environment.err();
        if (failure instanceof ControlException refused) {
            tell(String.valueOf(refused.getMessage()), refused.why(), refused.correction());
            return refused.exit().number();
        }
        if (failure instanceof ConfigurationException wrong) {
            wrong.problems().stream().map(Problem::text).forEach(err::println);
            return ExitCode.USAGE.number();
        }
        if (failure instanceof IOException) {
            tell(String.valueOf(failure.getMessage()), "", "");
            return ExitCode.FAILED.number();
        }
        tell("this is a bug in the command line: " + failure, "", "report it with what is below");
        failure.printStackTrace(err);
        return ExitCode.FAILED.number();
    }

    @Override
    public int handleParseException(ParameterException failure, String[] args) {
        CommandLine command = failure.getCommandLine();
        tell(String.valueOf(failure.getMessage()), "", "");
        boolean suggested = UnmatchedArgumentException.printSuggestions(failure, environment.err());
        if (!suggested) {
            environment
                    .err()
                    .println("  usage: " + command.getHelp().synopsis(7).strip());
        }
        environment.err().println("  more: " + command.getCommandSpec().qualifiedName() + " --help");
        return ExitCode.USAGE.number();
    }

    private void tell(String what, String why, String correction) {
        environment.err().println("holdfast: " + what);
        if (!why.isEmpty()) {
            environment.err().println("  because: " + why);
        }
        if (!correction.isEmpty()) {
            environment.err().println("  to do: " + correction);
        }
    }
}
