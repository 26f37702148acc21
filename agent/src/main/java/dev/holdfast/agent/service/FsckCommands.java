package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.FsckReport;
import dev.holdfast.agent.fsck.Finding;
import dev.holdfast.agent.fsck.Repair;
import dev.holdfast.agent.fsck.World;
import dev.holdfast.agent.inspection.Inspection;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** {@code node.fsck}: the catalogue, the files of all nodes and what their hypervisors say. Thread-safe. */
public final class FsckCommands {

    private static final Duration PATIENCE = Duration.ofMinutes(10);

    /** What is put back may show what is needless, and the other way round; more passes than kinds of damage are not needed. */
    private static final int PASSES = 4;

    private final Peers peers;
    private final ClusterLook look;

    /**
     * @param peers the nodes, this one included
     * @param look sees them and the store
     */
    public FsckCommands(Peers peers, ClusterLook look) {
        this.peers = peers;
        this.look = look;
    }

    /** Adds the handler. */
    public void register(CommandTable table) {
        table.register(ControlCommand.NODE_FSCK, this::fsck);
    }

    private Object fsck(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        boolean emptyLost = arguments.flag("empty_lost");
        boolean repair = arguments.flag("repair") || emptyLost;
        Set<Name> gone = arguments.names("gone");
        List<FsckReport.Row> rows = new ArrayList<>();
        TreeMap<Name, String> silent = new TreeMap<>();
        if (!gone.isEmpty()) {
            requireGone(gone, look.world(progress, silent, gone));
        }
        List<Finding> found = confirmed(progress, silent, gone);
        Set<Repair> tried = new HashSet<>();
        for (int pass = 0; repair && pass < PASSES; pass++) {
            List<Finding> next = found.stream()
                    .filter(finding -> finding.repair().filter(tried::add).isPresent())
                    .toList();
            if (next.isEmpty()) {
                break;
            }
            for (Finding finding : next) {
                rows.add(repaired(finding, finding.repair().orElseThrow(), progress));
            }
            found = confirmed(progress, silent, gone);
        }
        if (emptyLost) {
            emptyLost(found, rows, progress);
            found = confirmed(progress, silent, gone);
        }
        found.forEach(finding -> rows.add(row(finding)));
        return new FsckReport(rows);
    }

    /** Before anything is touched: what a person says may be a slip of the keyboard, or not be so. */
    static void requireGone(Set<Name> gone, World world) throws ControlException {
        if (world.store().isEmpty()) {
            throw ControlException.of(
                    ErrorCode.STORE_UNREACHABLE,
                    "nobody can tell whether a node is gone while the store does not answer: %s; try again when it does"
                            .formatted(world.storeSilent()));
        }
        for (Name node : gone) {
            Optional<String> notGone = world.notGone(node);
            if (notGone.isPresent()) {
                throw ControlException.of(Refusal.preflight(notGone.get()));
            }
            if (!world.isWaitedFor(node)) {
                throw ControlException.of(
                        ErrorCode.BAD_REQUEST,
                        "no round waits for %s: there is nothing to be closed without it; 'holdfast cluster status' says which nodes rounds wait for"
                                .formatted(node));
            }
        }
    }

    /** Nodes and store are not looked at in one instant: what is real is seen twice. */
    private List<Finding> confirmed(Progress progress, TreeMap<Name, String> silent, Set<Name> gone)
            throws InterruptedException {
        List<Finding> first = look.world(progress, silent, gone).findings(gone);
        if (first.isEmpty()) {
            return first;
        }
        return confirmed(first, look.world(progress, silent, gone).findings(gone));
    }

    /** What was passed over in one look was not seen twice, so that nothing can be said about it. */
    static List<Finding> confirmed(List<Finding> first, List<Finding> again) {
        Stream<Finding> twice = first.stream()
                .filter(finding ->
                        finding.kind() == Finding.Kind.PASSED || again.stream().anyMatch(finding::isTheSameAs));
        Stream<Finding> passedLater = again.stream()
                .filter(finding ->
                        finding.kind() == Finding.Kind.PASSED && first.stream().noneMatch(finding::isTheSameAs));
        return Stream.concat(twice, passedLater).toList();
    }

    private void emptyLost(List<Finding> found, List<FsckReport.Row> rows, Progress progress)
            throws InterruptedException {
        Set<List<String>> places = new HashSet<>();
        for (Finding finding : found) {
            if (finding.kind() == Finding.Kind.LOST && places.add(List.of(finding.node(), finding.subject()))) {
                Repair order = new Repair(
                        new Name(finding.node()), new Name(finding.subject()), Repair.Act.EMPTY_LOST, "lost");
                rows.add(repaired(finding, order, progress));
            }
        }
    }

    private FsckReport.Row repaired(Finding finding, Repair repair, Progress progress) throws InterruptedException {
        progress.phase(
                "repair",
                repair.vm() + " on " + repair.node() + ": " + repair.act().text());
        String failure;
        try {
            boolean done = isDone(repair);
            return new FsckReport.Row(
                    finding.node(),
                    finding.subject(),
                    FsckReport.REPAIRED,
                    finding.text(),
                    done ? repair.act().text() : "nothing was left to do",
                    "");
        } catch (RoundRefusedException e) {
            failure = e.because().text();
        } catch (OutcomeUnknownException | JsonException | StoreUnreachableException e) {
            failure = String.valueOf(e.getMessage());
        }
        return new FsckReport.Row(
                finding.node(),
                finding.subject(),
                word(Finding.Kind.PROBLEM),
                "the repair failed: " + failure,
                "",
                "put right what it says, then run 'holdfast fsck --repair' again");
    }

    /** What is done in the store is done by whoever looks. */
    private boolean isDone(Repair repair)
            throws RoundRefusedException, OutcomeUnknownException, JsonException, StoreUnreachableException,
                    InterruptedException {
        if (repair.act() == Repair.Act.FREE) {
            return look.free(repair.subject());
        }
        if (repair.act() == Repair.Act.ACKNOWLEDGE) {
            return look.acknowledge(repair.subject(), repair.vm());
        }
        return Inspection.wasDone(
                peers.ask(repair.node(), new PeerRequest(PeerRequest.Kind.FSCK, Inspection.order(repair)), PATIENCE));
    }

    private static FsckReport.Row row(Finding finding) {
        return new FsckReport.Row(
                finding.node(),
                finding.subject(),
                word(finding.kind()),
                finding.text(),
                finding.repair().map(repair -> repair.act().text()).orElse(""),
                finding.remedy());
    }

    private static String word(Finding.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }
}
