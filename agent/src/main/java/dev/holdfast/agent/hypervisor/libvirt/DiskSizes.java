package dev.holdfast.agent.hypervisor.libvirt;

import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The table that {@code virsh domblkinfo --all} prints: target, capacity, allocation, physical size. */
final class DiskSizes {
    private static final Pattern ROW =
            Pattern.compile("^ *([A-Za-z][A-Za-z0-9]*) +([0-9]{1,18}) +[0-9]+ +[0-9]+ *$", Pattern.MULTILINE);

    private DiskSizes() {}

    /** The sizes that guests see, by target; of what is empty there is none. */
    static Map<String, Long> parse(String table) {
        return ROW.matcher(table)
                .results()
                .collect(Collectors.toMap(row -> row.group(1), DiskSizes::capacity, (first, second) -> first));
    }

    private static long capacity(MatchResult row) {
        return Long.parseLong(row.group(2));
    }
}
