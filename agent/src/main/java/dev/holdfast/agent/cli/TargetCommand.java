package dev.holdfast.agent.cli;

import dev.holdfast.coordinator.protocol.Name;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A command about {@code OWNER@NAME}; the name may also be the second word, or an option. */
abstract class TargetCommand extends RemoteCommand {
    private static final DateTimeFormatter TIME_STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final String kind;

    @Parameters(index = "0", paramLabel = "OWNER[@NAME]", description = "a group or a machine, and a name in it")
    private @Nullable Target target;

    @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "the name, if it is not given with @")
    private @Nullable Name second;

    @Option(names = "--name", paramLabel = "NAME", description = "the same as an option")
    private @Nullable Name option;

    /** @param kind what the owner is, for messages */
    TargetCommand(String kind) {
        this.kind = kind;
    }

    final Name owner() {
        return Objects.requireNonNull(target).owner();
    }

    final Optional<Name> item() {
        Optional<Name> first = Objects.requireNonNull(target).item();
        long given = (first.isPresent() ? 1 : 0) + (second == null ? 0 : 1) + (option == null ? 0 : 1);
        if (given > 1) {
            throw usage("the name is given more than once");
        }
        return first.or(() -> Optional.ofNullable(second)).or(() -> Optional.ofNullable(option));
    }

    final Name requiredItem() {
        return item().orElseThrow(() -> usage("the name is missing; write %s@NAME, as in %s@before-upgrade"
                .formatted(kind.equals("vm") ? "MACHINE" : "GROUP", owner())));
    }

    /** The name of what is made without one: the time, in UTC. */
    final Name timeStamp() {
        return new Name(TIME_STAMP.format(environment().clock().instant()));
    }
}
