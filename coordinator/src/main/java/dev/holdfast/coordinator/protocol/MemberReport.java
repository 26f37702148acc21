package dev.holdfast.coordinator.protocol;

import java.util.List;

/**
 * What one node contributed to a round. Immutable.
 *
 * @param node the node
 * @param clockErrorNanos bound of the node's clock error against the leader's, as far as it was measured; -1 if unknown
 * @param software version of Holdfast on the node
 * @param vms one report for each member on the node
 */
public record MemberReport(Name node, long clockErrorNanos, String software, List<VmReport> vms) {

    public MemberReport {
        vms = List.copyOf(vms);
    }
}
