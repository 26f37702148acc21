package dev.holdfast.agent.hypervisor.xen;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A domain as {@code xl list -v} tells of it. Immutable.
 *
 * @param name as it is now; empty for one that has none yet, or no more
 * @param id of this life of it; Xen gives it to no other before it has counted to 32,752
 * @param uuid of its configuration
 * @param flags what it is doing; none of them: it waits for a processor
 * @param cpuTenths how long its processors have run, in tenths of seconds
 * @param ended why its guest has ended, if it has
 */
record XlDomain(Optional<String> name, int id, String uuid, Set<Flag> flags, long cpuTenths, Optional<Ended> ended) {
    private static final String NO_NAME = "(null)";

    /** From the right: the name may be longer than its column, and have blanks in it. */
    private static final Pattern LINE =
            Pattern.compile("(?<name>.*\\S) +(?<id>\\d{1,9}) +\\d+ +\\d+ +(?<flags>[r-][b-][p-][s-][c-][d-])"
                    + " +(?<seconds>\\d{1,12})\\.(?<tenth>\\d) +(?<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
                    + " +(?<ended>-|[0-9a-f]{1,8}) +\\S+");

    /** In the order of their letters. */
    enum Flag {
        RUNNING,
        BLOCKED,
        PAUSED,
        SHUT_DOWN,
        CRASHED,
        DYING
    }

    /** Why a guest has ended, in the order of Xen's numbers (xen/include/public/sched.h). */
    enum Ended {
        POWEROFF,
        REBOOT,
        SUSPEND,
        CRASH,
        WATCHDOG,
        SOFT_RESET,
        /** For a reason that Xen 4.17 does not know. */
        OTHER
    }

    XlDomain {
        flags = Set.copyOf(flags);
    }

    boolean is(Flag flag) {
        return flags.contains(flag);
    }

    /** What a line tells, unless it is no such line. */
    static Optional<XlDomain> parse(String line) {
        Matcher matcher = LINE.matcher(line.strip());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String name = matcher.group("name");
        return Optional.of(new XlDomain(
                name.equals(NO_NAME) ? Optional.empty() : Optional.of(name),
                Integer.parseInt(matcher.group("id")),
                matcher.group("uuid"),
                flags(matcher.group("flags")),
                Long.parseLong(matcher.group("seconds") + matcher.group("tenth")),
                ended(matcher.group("ended"))));
    }

    private static Set<Flag> flags(String letters) {
        Set<Flag> flags = EnumSet.noneOf(Flag.class);
        for (Flag flag : Flag.values()) {
            if (letters.charAt(flag.ordinal()) != '-') {
                flags.add(flag);
            }
        }
        return flags;
    }

    private static Optional<Ended> ended(String code) {
        if (code.equals("-")) {
            return Optional.empty();
        }
        long number = Long.parseLong(code, 16);
        return Optional.of(number < Ended.OTHER.ordinal() ? Ended.values()[(int) number] : Ended.OTHER);
    }
}
