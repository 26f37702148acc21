package dev.holdfast.agent.storage.lvm;

import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The commands of LVM, and what they print. Thread-safe. */
final class LvmTool {
    /** Their language is the one that is understood here, and they do not complain of files that the agent has open. */
    private static final List<String> PLAINLY = List.of("env", "LC_ALL=C", "LVM_SUPPRESS_FD_WARNINGS=1");

    /** For a look that somebody waits for. */
    static final Duration SOON = Duration.ofSeconds(5);

    /** For the look before a change: other commands may be at the group, one after the other. */
    static final Duration IN_TURN = Duration.ofSeconds(20);

    /** All between the begin and the end of a report; what a command complains of stands before it or after it. */
    private static final Pattern REPORT = Pattern.compile("\\{\\s*\"report\":\\s*\\[(.*)]\\s*}", Pattern.DOTALL);

    private static final Pattern ROW = Pattern.compile("\\{(\"vg_name\":[^{}]*)}");
    private static final Pattern FACT = Pattern.compile("\"([a-z_]+)\":\"([^\"]*)\"");
    private static final Pattern NO_GROUP =
            Pattern.compile("Volume group \"[^\"]*\" not found|[Ii]nvalid volume group name");

    private final Commands commands;

    LvmTool(Commands commands) {
        this.commands = commands;
    }

    /** All volumes of a group; empty if there is no such group, or no LVM. */
    Optional<List<Volume>> volumesOf(String group, Duration bound) throws StorageException {
        return look(List.of(group), bound);
    }

    /** All volumes of this node. */
    List<Volume> volumes(Duration bound) throws StorageException {
        return look(List.of(), bound).orElse(List.of());
    }

    private Optional<List<Volume>> look(List<String> groups, Duration bound) throws StorageException {
        List<String> report = List.of(
                "lvs",
                "--reportformat",
                "json",
                "--units",
                "b",
                "--nosuffix",
                "--options",
                String.join(",", Volume.FIELDS));
        List<String> command = plainly(report, groups);
        Ended ended = run(command, bound);
        boolean nothing = ended.status() == Commands.NOT_INSTALLED
                || NO_GROUP.matcher(ended.output()).find();
        if (ended.status() != 0 && nothing) {
            return Optional.empty();
        }
        if (ended.status() != 0) {
            throw failed(command, "failed: " + ended.output());
        }
        Matcher all = REPORT.matcher(ended.output());
        if (!all.find()) {
            throw failed(command, "printed what is no report: " + shortened(ended.output()));
        }
        try {
            return Optional.of(parsed(all.group(1)));
        } catch (IllegalArgumentException e) {
            throw failed(
                    command, "printed what is not understood (" + e.getMessage() + "): " + shortened(ended.output()));
        }
    }

    private static List<Volume> parsed(String report) {
        List<Volume> volumes = new ArrayList<>();
        Matcher row = ROW.matcher(report);
        while (row.find()) {
            Map<String, String> facts = new HashMap<>();
            Matcher fact = FACT.matcher(row.group(1));
            while (fact.find()) {
                facts.put(fact.group(1), fact.group(2));
            }
            volumes.add(new Volume(facts));
        }
        return volumes;
    }

    /** What device mapper calls a device; empty if it is none of its devices. */
    Optional<String> mapped(String device) throws StorageException {
        List<String> look = List.of("dmsetup", "info", "--columns", "--noheadings", "--options", "name", device);
        Ended ended = run(plainly(look, List.of()), SOON);
        return ended.status() == 0 ? Optional.of(ended.output().strip()) : Optional.empty();
    }

    /**
     * Changes something. The command is not killed: one that makes a snapshot has the volume suspended for a while.
     *
     * @return empty if it has succeeded, else why not
     * @throws StorageException if it has not ended, or could not be run
     */
    Optional<String> change(Duration patience, List<String> change) throws StorageException {
        List<String> command = plainly(change, List.of());
        try {
            Optional<Ended> ended = commands.finish(command, patience);
            if (ended.isEmpty()) {
                throw new StorageException(
                        Kind.UNKNOWN,
                        ("\"%s\" has not ended within %d s. It may wait for another command of LVM, or for a device; it goes on and "
                                        + "may still succeed. See \"ps\" and the devices of the volume group, and do not kill it")
                                .formatted(words(command), patience.toSeconds()));
            }
            return ended.filter(end -> end.status() != 0)
                    .map(end -> "\"%s\" failed: %s".formatted(words(command), end.output()));
        } catch (IOException e) {
            throw failed(command, "could not be run: " + e.getMessage());
        }
    }

    private Ended run(List<String> command, Duration bound) throws StorageException {
        try {
            return commands.run(command, bound);
        } catch (IOException e) {
            throw failed(command, "could not be run: " + e.getMessage());
        }
    }

    private static List<String> plainly(List<String> command, List<String> rest) {
        return Stream.of(PLAINLY, command, rest).flatMap(List::stream).toList();
    }

    private static StorageException failed(List<String> command, String why) {
        return new StorageException(
                Kind.FAILED, "\"%s\" %s. Run it by hand to see what LVM says".formatted(words(command), why));
    }

    private static String words(List<String> command) {
        return String.join(" ", command.subList(PLAINLY.size(), command.size()));
    }

    private static String shortened(String output) {
        return output.substring(0, Math.min(output.length(), 200));
    }
}
