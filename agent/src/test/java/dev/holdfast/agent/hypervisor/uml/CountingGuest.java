package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What tests boot under User-Mode Linux. It counts: a line to a file on its first disk, then the number to the start of its second disk,
 * then the number to the console; and says at its boot what it finds.
 */
public final class CountingGuest {
    /** What its kernel is told besides. */
    public static final String WORDS = "init=/init";

    private static final Duration TOOL = Duration.ofSeconds(60);

    /** A kernel that is older than the host's processor (with AMX) dies of its first process. */
    private static final String TOO_OLD = "ptrace set fp regs failed";

    private static final Pattern FOUND = Pattern.compile("FOUND first=(\\d+) lines=(\\d+) second=(\\d+)");

    private static final String INIT = String.join(
            "\n",
            "#!/bin/sh",
            "mount -t proc none /proc",
            "echo 0 >/proc/sys/kernel/ctrl-alt-del",
            "trap 'sync; mount -o remount,ro /; echo BYE; halt -f' INT",
            "last=$(tail -n 1 /log)",
            "second=$(head -n 1 /dev/ubdb | tr -d '\\0')",
            "echo \"FOUND first=${last:-0} lines=$(wc -l </log) second=${second:-0}\"",
            "n=${last:-0}",
            "while :; do",
            "  n=$((n + 1))",
            "  echo $n >>/log",
            "  sync",
            "  echo $n | dd of=/dev/ubdb conv=fsync,notrunc 2>/dev/null",
            "  echo \"T $n\"",
            "done",
            "");

    private static final List<String> APPLETS =
            List.of("sh", "mount", "tail", "head", "tr", "wc", "sync", "dd", "halt", "echo");

    private CountingGuest() {}

    /**
     * What it found when it booted.
     *
     * @param last the last number in its file
     * @param lines how many lines are in that
     * @param second the number on its second disk
     */
    public record Found(long last, long lines, long second) {
        /** Both disks are of one moment between these numbers, and no line is missing. */
        public void assertIsOf(long atLeast, long atMost) {
            assertThat(last).isBetween(atLeast, atMost);
            assertThat(lines).as("no line is missing").isEqualTo(last);
            assertThat(second).isBetween(Math.max(atLeast, last - 1), last);
        }
    }

    /** Its first disk, made in a directory for the test; the second one is a few MiB of zeros. */
    public static Path firstDisk(Path directory) throws IOException {
        Path tree = Files.createDirectories(directory.resolve("tree"));
        for (String each : List.of("bin", "dev", "proc")) {
            Files.createDirectories(tree.resolve(each));
        }
        Path busybox = Path.of("/bin/busybox");
        assertThat(busybox).as("the package busybox-static is needed").exists();
        run("cp", busybox.toString(), tree.resolve("bin/busybox").toString());
        for (String applet : APPLETS) {
            run("ln", "-sf", "busybox", tree.resolve("bin").resolve(applet).toString());
        }
        Path init = Files.writeString(tree.resolve("init"), INIT);
        Files.setPosixFilePermissions(init, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(tree.resolve("log"), "");
        Path image = directory.resolve("root.raw");
        // Blocks of 4 KiB: see the trap of the driver in docs/hypervisors.md.
        run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d", tree.toString(), image.toString(), "32M");
        return image;
    }

    /** All that its console got. */
    public static List<String> said(Path console) throws IOException {
        return Files.readString(console, StandardCharsets.ISO_8859_1).lines().toList();
    }

    /** What it has counted to; 0 if it has not begun. */
    public static long ticks(Path console) throws IOException {
        return said(console).stream()
                .filter(line -> line.startsWith("T "))
                .mapToLong(line -> Long.parseLong(line.substring(2).strip()))
                .max()
                .orElse(0);
    }

    /** What it found when it booted; it must have counted since. */
    public static Found found(Path console) throws IOException {
        String line = said(console).stream()
                .filter(text -> text.startsWith("FOUND"))
                .findFirst()
                .orElseThrow();
        Matcher found = FOUND.matcher(line.strip());
        assertThat(found.matches()).as(line).isTrue();
        return new Found(
                Long.parseLong(found.group(1)), Long.parseLong(found.group(2)), Long.parseLong(found.group(3)));
    }

    /** Leaves the test out if the kernel has died of the processor. */
    public static void abortIfTooOld(List<String> said) {
        if (said.stream().anyMatch(line -> line.contains(TOO_OLD))) {
            abort("this processor has more registers (AMX) than the installed User-Mode Linux knows");
        }
    }

    static String run(String... command) throws IOException {
        BoundedProcess.Ended ended = BoundedProcess.run(List.of(command), TOOL);
        assertThat(ended.status())
                .as(String.join(" ", command) + ": " + ended.output())
                .isZero();
        return ended.output();
    }
}
