package dev.holdfast.agent.fsck;

import dev.holdfast.agent.fsck.Finding.Kind;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The files of one node against what its hypervisor says, and, where a file waits for a decision, against the store. */
final class NodeCheck {

    private static final String AGAIN = "run fsck again when the store answers";

    private final NodeFacts node;
    private final Optional<StoreFacts> store;
    private final Set<Name> gone;
    private final List<Finding> findings = new ArrayList<>();

    /** @param gone nodes of which a person says that they never come back */
    NodeCheck(NodeFacts node, Optional<StoreFacts> store, Set<Name> gone) {
        this.node = node;
        this.store = store;
        this.gone = gone;
    }

    List<Finding> findings() {
        node.machines().forEach(this::machine);
        String here = node.node().value();
        node.undefined()
                .forEach(vm -> findings.add(Finding.problem(
                        here,
                        vm.value(),
                        "it runs here, and no definition of it can be read: nobody looks after it",
                        "put its definition back into the directory of definitions, and restart the agent")));
        node.unreadable()
                .forEach(file -> findings.add(Finding.problem(
                        here,
                        file.vm().map(Name::value).orElse(here),
                        "its definition cannot be read, its chain was not looked at: " + file.because(),
                        "correct the file, and restart the agent")));
        node.unreadableEntries()
                .forEach(text -> findings.add(Finding.problem(
                        here,
                        here,
                        text,
                        "what it was for may be bound to a decision: restore the file from a copy, or see"
                                + " docs/operations.md before you move it away")));
        return findings;
    }

    private void machine(MachineFacts machine) {
        String here = node.node().value();
        String vm = machine.vm().value();
        if (machine.state().equals(MachineFacts.UNKNOWN)) {
            findings.add(
                    Finding.problem(
                            here,
                            vm,
                            "its process does not answer, so nobody knows which files it writes to",
                            "look at it with the rescue socket (docs/operations.md), or end it with 'holdfast vm stop --force'"));
        }
        if (machine.busy().isPresent()) {
            // Files come and go in the middle of an operation; whoever is at it ends it or leaves its intent.
            findings.add(Finding.passed(
                    here, vm, "it was not looked at: " + machine.busy().get(), "run fsck again when that has ended"));
            return;
        }
        machine.mark().ifPresent(mark -> mark(machine, mark));
        machine.notSeen().filter(not -> !not.elsewhere()).ifPresent(not -> notSeen(machine.vm(), not));
        boolean atHead = isAtHead(machine);
        machine.chain().ifPresent(chain -> chain(machine, chain, atHead));
    }

    private void notSeen(Name vm, MachineFacts.NotSeen not) {
        if (not.mendable()) {
            repairable(Kind.PROBLEM, vm, not.because(), Act.MEND_HEAD, "head");
        } else {
            findings.add(Finding.problem(
                    node.node().value(),
                    vm.value(),
                    not.because(),
                    "the rest of this chain was not looked at: put this right, then run fsck again"));
        }
    }

    private boolean isAtHead(MachineFacts machine) {
        boolean all = true;
        for (MachineFacts.OpenDisk disk : machine.disks()) {
            all &= isAtHead(machine, disk);
        }
        return all;
    }

    /** The newest data must be where a start would look for it. */
    private boolean isAtHead(MachineFacts machine, MachineFacts.OpenDisk disk) {
        if (disk.written().equals(disk.head())
                || machine.apart()
                || machine.chain().flatMap(ChainFacts::change).isPresent()) {
            return true;
        }
        findings.add(Finding.problem(
                node.node().value(),
                machine.vm().value(),
                "its process writes disk %s to %s, but the head names %s: a start would find older data"
                        .formatted(disk.disk(), disk.written(), disk.head()),
                "do not stop or move it; copy its data out of the guest first, then see docs/operations.md"));
        return false;
    }

    private void mark(MachineFacts machine, MachineFacts.Mark mark) {
        if (machine.apart() || mark.hold() && mark.known()) {
            return; // Its standby, or a revert that is not decided: held for good reason.
        }
        if (mark.hold() && machine.hasProcess()) {
            findings.add(Finding.problem(
                    node.node().value(),
                    machine.vm().value(),
                    "it is held for %s, of which this node knows nothing any more".formatted(mark.token()),
                    "'holdfast cluster history' tells how that ended; 'holdfast vm thaw %s' lets it run"
                            .formatted(machine.vm())));
        } else if (machine.hasProcess() && mark.over()) {
            repairable(
                    Kind.PROBLEM,
                    machine.vm(),
                    "it is marked as frozen for %s, and the bound of that has passed".formatted(mark.token()),
                    Act.THAW,
                    mark.token());
        } else if (!machine.hasProcess() && (mark.hold() || mark.over())) {
            repairable(
                    Kind.LEFTOVER,
                    machine.vm(),
                    "a mark says that it is frozen for %s, and it does not run".formatted(mark.token()),
                    Act.UNMARK,
                    mark.token());
        }
    }

    private void chain(MachineFacts machine, ChainFacts chain, boolean atHead) {
        String here = node.node().value();
        Name vm = machine.vm();
        chain.problems()
                .forEach(text -> findings.add(Finding.problem(
                        here, vm.value(), text, "see \"A chain that is not whole\" in docs/operations.md")));
        chain.change().ifPresent(change -> change(machine, change));
        for (ChainFacts.Missing missing : chain.missing()) {
            String text = "%s is missing, and %s".formatted(missing.file(), missing.neededBy());
            if (missing.found().isPresent()) {
                repairable(Kind.PROBLEM, vm, text + "; it is in lost/", Act.PUT_BACK, missing.file());
            } else {
                findings.add(Finding.problem(
                        here,
                        vm.value(),
                        text,
                        "restore it from a copy; do not start the machine if its head is missing"));
            }
        }
        for (ChainFacts.Leftover leftover : chain.leftovers()) {
            leftover(vm, chain, leftover, atHead);
        }
        chain.lost()
                .forEach(file -> findings.add(new Finding(
                        here,
                        vm.value(),
                        Kind.LOST,
                        file,
                        "'holdfast fsck --empty-lost' removes it for good",
                        Optional.empty())));
    }

    private void change(MachineFacts machine, ChainFacts.Change change) {
        Optional<StoreFacts.Round> round = store.flatMap(known -> known.round(change.operation()));
        boolean decided = round.flatMap(StoreFacts.Round::committed).isPresent();
        String text = "a %s of its chain by %s was cut short".formatted(change.kind(), change.operation());
        Optional<Name> owing =
                round.filter(known -> known.committed().isPresent()).flatMap(known -> owing(known, machine));
        if (owing.isPresent()) {
            findings.add(Finding.problem(
                    node.node().value(),
                    machine.vm().value(),
                    text + "; node %s, on which it ran, brings it to its end".formatted(owing.get()),
                    ("start the agent there; if that node never comes back, fence it ('stonith_admin --fence %s', or its power), then"
                                    + " 'holdfast fsck --repair --gone %s'; a start of the machine on another node does it, too")
                            .formatted(owing.get(), owing.get())));
        } else if (change.own() && !change.journaled() || decided) {
            repairable(Kind.PROBLEM, machine.vm(), text, Act.FINISH, change.operation());
        } else if (round.isEmpty() && !change.journaled()) {
            findings.add(Finding.problem(
                    node.node().value(),
                    machine.vm().value(),
                    text
                            + (store.isPresent()
                                    ? ", and the store has no record of it, which says nothing about how it ended"
                                    : ", and the store cannot be asked how it ended"),
                    "run fsck again when the store answers; if its record is gone for good, see docs/operations.md"));
        }
    }

    /** Another node that has still to make a decided round true for a machine without a process here: it may run there, unseen by all others. */
    private Optional<Name> owing(StoreFacts.Round round, MachineFacts machine) {
        return machine.hasProcess()
                ? Optional.empty()
                : round.waitsFor().stream()
                        .filter(other -> !other.equals(node.node()) && !gone.contains(other))
                        .filter(other ->
                                round.members().getOrDefault(other, Set.of()).contains(machine.vm()))
                        .findFirst();
    }

    private void leftover(Name vm, ChainFacts chain, ChainFacts.Leftover leftover, boolean atHead) {
        if (!atHead) {
            return; // Nobody knows what belongs to a machine that does not run from its head.
        }
        String text = leftover.file() + ": " + leftover.text();
        Optional<ChainFacts.SnapshotPart> part = leftover.snapshot()
                .flatMap(chain::pending)
                .filter(waits -> waits.group().isPresent());
        if (part.isPresent()) {
            undecided(vm, part.get(), leftover, text);
        } else if (store.isEmpty()) {
            findings.add(Finding.unseen(
                    node.node().value(),
                    vm.value(),
                    text + "; whether a checkpoint has lost its sidecar and needs it cannot be asked",
                    AGAIN));
        } else if (!mayBeOfACheckpoint(vm, chain, leftover)) {
            repairable(Kind.LEFTOVER, vm, text, Act.QUARANTINE, leftover.file());
        }
    }

    /** A checkpoint whose sidecar is gone: that is told, and its other files are what can still be used of it. */
    private boolean mayBeOfACheckpoint(Name vm, ChainFacts chain, ChainFacts.Leftover leftover) {
        String name = leftover.file().substring(leftover.file().lastIndexOf('/') + 1);
        return store.stream()
                .flatMap(known -> known.checkpoints().stream())
                .filter(checkpoint -> chain.parts().stream()
                        .noneMatch(part -> part.name().equals(checkpoint.name())
                                && part.operation().equals(checkpoint.round())))
                .flatMap(checkpoint -> checkpoint.parts().stream())
                .anyMatch(part -> part.vm().equals(vm) && part.files().contains(name));
    }

    /** Only the store can say that a part of a checkpoint does not count: no word from it is no word against it. */
    private void undecided(Name vm, ChainFacts.SnapshotPart part, ChainFacts.Leftover leftover, String text) {
        Name group = part.group().orElseThrow();
        boolean committed = store.flatMap(known -> known.checkpoint(group, part.name()))
                .filter(checkpoint -> checkpoint.round().equals(part.operation()) && !checkpoint.deleting())
                .isPresent();
        Optional<StoreFacts.Round> round = store.flatMap(known -> known.round(part.operation()));
        // What goes to lost/ is not gone: here a round without a record may count as one that was aborted.
        boolean aborted = round.isEmpty() || round.get().committed().equals(Optional.of(false));
        boolean mayBeBound = !node.unreadableEntries().isEmpty()
                || !store.map(StoreFacts::unreadable).orElse(List.of()).isEmpty()
                || node.journal().stream().anyMatch(entry -> entry.operation().equals(part.operation()));
        if (committed) {
            repairable(
                    Kind.PROBLEM,
                    vm,
                    "its part of %s@%s waits for the decision, which the catalogue has".formatted(group, part.name()),
                    Act.PUBLISH,
                    part.name().value());
        } else if (store.isEmpty()) {
            findings.add(Finding.unseen(
                    node.node().value(),
                    vm.value(),
                    text + "; whether %s@%s was decided cannot be asked".formatted(group, part.name()),
                    AGAIN));
        } else if (!mayBeBound && aborted) {
            repairable(Kind.LEFTOVER, vm, text, Act.QUARANTINE, leftover.file());
        }
    }

    private void repairable(Kind kind, Name vm, String text, Act act, String subject) {
        findings.add(Finding.repairable(kind, text, new Repair(node.node(), vm, act, subject)));
    }
}
