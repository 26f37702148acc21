package dev.holdfast.agent.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Judges the cluster as one node sees it. Pure. */
public final class ClusterDiagnosis {

    private static final long MILLISECOND = 1_000_000L;
    private static final long SLOW_STORE = 100 * MILLISECOND;
    private static final long CLOCK_OFF = 500 * MILLISECOND;

    private final ClusterFacts facts;
    private final List<Check> checks = new ArrayList<>();

    private ClusterDiagnosis(ClusterFacts facts) {
        this.facts = facts;
    }

    /** All that was looked at, whether well or not. */
    public static List<Check> of(ClusterFacts facts) {
        ClusterDiagnosis diagnosis = new ClusterDiagnosis(facts);
        diagnosis.store();
        diagnosis.servers();
        diagnosis.leader();
        diagnosis.channel();
        diagnosis.clocks();
        diagnosis.versions();
        diagnosis.guard();
        diagnosis.fencing();
        diagnosis.imageKeys();
        facts.machines()
                .forEach(text -> diagnosis.checks.add(
                        Check.warning(facts.node(), "machines", text, "see 'holdfast vm list' and 'holdfast fsck'")));
        return List.copyOf(diagnosis.checks);
    }

    private void store() {
        ClusterFacts.Store store = facts.store();
        if (store.problem().isPresent()) {
            checks.add(Check.failed(
                    facts.node(),
                    "store",
                    "ZooKeeper cannot be used: " + store.problem().get(),
                    "running machines are not affected, but there are no rounds and no role changes: look at the ensemble,"
                            + " and at [zookeeper] in holdfast.toml"));
            return;
        }
        String text = "ZooKeeper answers in %.1f ms".formatted((double) store.roundTripNanos() / MILLISECOND);
        if (store.roundTripNanos() > store.sessionNanos() / 3) {
            checks.add(Check.failed(
                    facts.node(),
                    "store",
                    text + ", which is near the time-out of its sessions",
                    "give its servers a disk of their own for the log of transactions, or raise session_timeout"));
        } else if (store.roundTripNanos() > SLOW_STORE) {
            checks.add(Check.warning(
                    facts.node(), "store", text, "give its servers a disk of their own for the log of transactions"));
        } else {
            checks.add(Check.ok(facts.node(), "store", text));
        }
        store.heldBack()
                .ifPresent(why -> checks.add(Check.warning(
                        facts.node(), "store", "no new round begins: " + why, "'holdfast cluster resume'")));
    }

    private void servers() {
        ClusterFacts.Store store = facts.store();
        int silent = store.silentServers().size();
        if (silent > 0) {
            String text = "%d of %d servers do not serve: %s"
                    .formatted(silent, store.servers(), String.join(", ", store.silentServers()));
            boolean quorum = store.servers() - silent > store.servers() / 2;
            checks.add(
                    quorum
                            ? Check.warning(
                                    facts.node(), "store", text, "start them: there is a quorum, with fewer to spare")
                            : Check.failed(facts.node(), "store", text, "start them: there is no quorum without"));
        } else if (store.servers() < 3) {
            checks.add(Check.warning(
                    facts.node(),
                    "store",
                    "the configuration names %d server%s: the loss of one is the loss of all"
                            .formatted(store.servers(), store.servers() == 1 ? "" : "s"),
                    "use three or five servers, and name all of them in zookeeper.connect"));
        } else {
            checks.add(Check.ok(facts.node(), "store", "all %d servers answer".formatted(store.servers())));
        }
    }

    private void leader() {
        if (facts.store().problem().isPresent()) {
            return;
        }
        checks.add(facts.store()
                .leader()
                .map(leader -> Check.ok(facts.node(), "leader", "node " + leader + " coordinates"))
                .orElseGet(() -> Check.failed(
                        facts.node(),
                        "leader",
                        "no agent coordinates",
                        "wait some seconds; if it stays so, look at the agents' logs")));
    }

    private void channel() {
        facts.channelProblem()
                .ifPresent(problem -> checks.add(Check.failed(
                        facts.node(), "channel", problem, "look at [channel] in holdfast.toml and at the network")));
        TreeSet<String> cut = new TreeSet<>(facts.nodes().keySet());
        facts.reachable().forEach(cut::remove);
        cut.remove(facts.node());
        if (!cut.isEmpty()) {
            checks.add(Check.failed(
                    facts.node(),
                    "channel",
                    "in the store, and not in the group channel: " + String.join(", ", cut),
                    "their port of [channel] (7800 unless configured) must be open both ways, and all nodes need the same"
                            + " channel.key"));
        } else if (facts.channelProblem().isEmpty()) {
            checks.add(Check.ok(
                    facts.node(),
                    "channel",
                    "%d nodes hear each other".formatted(facts.nodes().size())));
        }
    }

    private void clocks() {
        facts.clockOffsets().forEach((node, offset) -> {
            if (Math.abs(offset) > CLOCK_OFF) {
                checks.add(Check.warning(
                        facts.node(),
                        "clock",
                        "the clock of %s is %d ms from this one's".formatted(node, offset / MILLISECOND),
                        "run chrony or systemd-timesyncd on both; only reports depend on it"));
            } else {
                checks.add(Check.ok(facts.node(), "clock", "%s is %d ms away".formatted(node, offset / MILLISECOND)));
            }
        });
    }

    private void versions() {
        TreeSet<String> versions = new TreeSet<>(facts.nodes().values());
        if (versions.size() > 1) {
            checks.add(Check.warning(
                    facts.node(),
                    "versions",
                    "the agents are of different versions: " + facts.nodes(),
                    "update the older ones; what is new works when all have it"));
        } else if (!versions.isEmpty()) {
            checks.add(Check.ok(facts.node(), "versions", "all agents are " + versions.first()));
        }
    }

    private void guard() {
        checks.add(facts.guardProblem()
                .map(problem -> Check.failed(
                        facts.node(),
                        "guard",
                        "it does not answer, and without it nothing is frozen: " + problem,
                        "systemctl start holdfast-guard"))
                .orElseGet(() -> Check.ok(facts.node(), "guard", "it answers")));
    }

    private void imageKeys() {
        if (!facts.unreadImages().isEmpty()) {
            checks.add(
                    Check.failed(
                            facts.node(),
                            "memory keys",
                            "memory images that %s writes cannot be read here, so that a machine that comes from there cannot go back to its checkpoints"
                                    .formatted(String.join(", ", facts.unreadImages())),
                            "copy the file that its checkpoint.memory_key_file names to this node, name it in this node's checkpoint.memory_key_file or checkpoint.old_memory_key_files, restart the agent"));
        }
    }

    private void fencing() {
        if (facts.fencing().isEmpty() && facts.replicated() == 0) {
            checks.add(Check.ok(facts.node(), "fencing", "there is no pacemaker here, and nothing that needs it"));
        } else if (facts.fencing().orElse(false)) {
            checks.add(Check.ok(facts.node(), "fencing", "pacemaker fences"));
        } else if (facts.replicated() > 0) {
            checks.add(Check.failed(
                    facts.node(),
                    "fencing",
                    "pacemaker does not fence, so that no copy of the %d replicated machines is ever promoted"
                            .formatted(facts.replicated()),
                    "configure a fencing device, and stonith-enabled=true"));
        } else {
            checks.add(Check.warning(
                    facts.node(),
                    "fencing",
                    "pacemaker does not fence: a machine on a node that was lost is not started elsewhere, or runs twice",
                    "configure a fencing device, and stonith-enabled=true"));
        }
    }
}
