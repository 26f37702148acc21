package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
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
        Set<Name> gone = gone(arguments);
        List<FsckReport.Row> rows = new ArrayList<>();
        TreeMap<Name, String> silent = new TreeMap<>();
        Set<Name> unheard = new HashSet<>(gone);
        List<Finding> found = confirmed(progress, silent, gone, unheard);
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
            found = confirmed(progress, silent, gone, unheard);
        }
        if (emptyLost) {
            emptyLost(found, rows, progress);
            found = confirmed(progress, silent, gone, unheard);
        }
        found.forEach(finding -> rows.add(row(finding)));
        unheard.forEach(node -> rows.add(new FsckReport.Row(
                "",
                node.value(),
                word(Finding.Kind.PROBLEM),
                "nothing that was seen speaks of a node of this name, so that --gone has changed nothing",
                "",
                "look for its name in what 'holdfast fsck' says")));
        return new FsckReport(rows);
    }

    /** A node whose agent is there, or was within its session, is not gone: it may hold what nobody else has. */
    private Set<Name> gone(Arguments arguments) throws ControlException {
        Optional<Name> gone = arguments.optionalName("gone");
        if (gone.isPresent() && registered().contains(gone.get())) {
            throw ControlException.of(Refusal.preflight(
                    ("node %s is in the store: its agent runs, or has run a moment ago. If it is gone for good, wait until"
                                    + " 'holdfast cluster status' does not name it any more")
                            .formatted(gone.get())));
        }
        return gone.map(Set::of).orElse(Set.of());
    }

    private Set<Name> registered() throws ControlException {
        try {
            return look.registered();
        } catch (StoreUnreachableException e) {
            throw ControlException.of(Refusal.preflight(
                    "nobody can tell whether the node is gone, because the store cannot be asked: %s; try again when it answers"
                            .formatted(e.getMessage())));
        }
    }

    /**
     * Nodes and store are not looked at in one instant: what is real is seen twice.
     *
     * @param unheard those of {@code gone} of which nothing speaks; the others are taken out
     */
    private List<Finding> confirmed(Progress progress, TreeMap<Name, String> silent, Set<Name> gone, Set<Name> unheard)
            throws InterruptedException {
        World world = look.world(progress, silent);
        unheard.removeIf(world::speaksOf);
        List<Finding> first = world.findings(gone);
        if (first.isEmpty()) {
            return first;
        }
        List<Finding> again = look.world(progress, silent).findings(gone);
        return first.stream()
                .filter(finding -> again.stream().anyMatch(finding::isTheSameAs))
                .toList();
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
