package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.qmp.QmpValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Packets of the guest that leave only when the epoch they were sent in is committed: one {@code filter-buffer} per card and
 * epoch, in front of the older ones. Taking one away sends what it holds, in order, past the newer ones. A filter holds
 * 10000 packets and drops more.
 */
record HeldOutput(Monitor monitor, VmDefinition vm) {
    private static final Pattern FILTER = Pattern.compile("held-([0-9]+)-.*");
    /** Microseconds, the most it takes: 71 minutes. */
    private static final long FOR_EVER = 4_294_967_295L;

    private record Filter(long number, String id) {}

    private List<Filter> filters() throws HypervisorException {
        List<Filter> filters = new ArrayList<>();
        for (QmpValue object : monitor.call("qom-list", Map.of("path", "/objects"))) {
            String id = object.path("name").asText();
            Matcher matcher = FILTER.matcher(id);
            if (matcher.matches()) {
                filters.add(new Filter(Long.parseLong(matcher.group(1)), id));
            }
        }
        filters.sort(Comparator.comparingLong(Filter::number));
        return filters;
    }

    /** A number above those of the filters that are there. */
    long next() throws HypervisorException {
        return filters().stream().mapToLong(Filter::number).max().orElse(0) + 1;
    }

    /** From now on packets are held under that number. The guest stands still. */
    void hold(long number) throws HypervisorException {
        for (VmDefinition.Nic nic : vm.ownHardware().nics()) {
            monitor.call(
                    "object-add",
                    Map.of(
                            "qom-type",
                            "filter-buffer",
                            "id",
                            "held-" + number + "-" + nic.id(),
                            "netdev",
                            nic.id(),
                            "queue",
                            "rx", // from the card's point of view outside: what the guest sends
                            "interval",
                            FOR_EVER));
        }
    }

    /** Sends what is held under lower numbers. */
    void releaseBefore(long number) throws HypervisorException {
        for (Filter filter : filters()) {
            if (filter.number() < number) {
                monitor.call("object-del", Map.of("id", filter.id()));
            }
        }
    }

    void releaseAll() throws HypervisorException {
        releaseBefore(Long.MAX_VALUE);
    }
}
