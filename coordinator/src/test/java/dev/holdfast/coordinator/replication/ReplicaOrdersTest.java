package dev.holdfast.coordinator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Every order in which two of three nodes fail and come back, each a line of a file for people to read: the primary P, the standby
 * S and the third node T. Two that are there have a quorum, for the store and to fence; one alone has none. Before the copy that
 * pacemaker would choose, every other one is asked to be promoted: what is not in the set must be refused.
 * {@code -Dholdfast.matrix=write} writes the file anew. {@code deploy/test/soak/replica-orders.bats} does the same with real nodes.
 */
final class ReplicaOrdersTest {

    private static final Path TABLE = Path.of("src/test/resources/dev/holdfast/coordinator/replication/replica.orders");
    private static final String NODES = "PST";
    private static final Set<Moves.Kind> POWER = EnumSet.of(Moves.Kind.FENCED, Moves.Kind.NODE_BOOTS);

    /** When the second one fails. */
    private enum When {
        /** When there is a standby again. */
        PROTECTED("PS", "SP", "PT", "TP", "ST", "TS"),
        AT_ONCE("PS", "PT", "ST"),
        /** Before there is one. */
        ALONE("PS", "SP");

        private final List<String> pairs;

        When(String... pairs) {
            this.pairs = List.of(pairs);
        }
    }

    /** What pacemaker does with whoever is left without a quorum: {@code no-quorum-policy}. */
    private enum NoQuorum {
        STOP,
        FREEZE
    }

    private static List<String> all() {
        List<String> lines = new ArrayList<>();
        for (NoQuorum policy : NoQuorum.values()) {
            for (When when : When.values()) {
                for (String pair : when.pairs) {
                    lines.add(new Orders(when, policy).play(pair, pair));
                    lines.add(new Orders(when, policy)
                            .play(pair, new StringBuilder(pair).reverse().toString()));
                }
            }
        }
        return lines;
    }

    @Test
    void inEveryOrderACopyInTheSetGoesOnAndAStaleOneIsRefused() throws IOException {
        List<String> actual = all();
        if ("write".equals(System.getProperty("holdfast.matrix"))) {
            Files.write(TABLE, actual);
        }
        assertThat(actual).isEqualTo(Files.readAllLines(TABLE));
    }

    /** One order, played in a small world. */
    private static final class Orders {
        private final World world = Walk.first(Setup.of(3, 60).onceProtected());
        private final Hands hands = new Hands(world);
        private final When when;
        private final NoQuorum policy;
        private Reason refused = Reason.BUSY;
        private boolean seeds;

        Orders(When when, NoQuorum policy) {
            this.when = when;
            this.policy = policy;
            this.seeds = when == When.PROTECTED;
        }

        String play(String pair, String back) {
            assertThat(letters()).isEqualTo("P runs, S follows");
            StringBuilder line = new StringBuilder(policy.name().toLowerCase(Locale.ROOT)).append(": ");
            if (when == When.AT_ONCE) {
                die(pair.charAt(0));
                die(pair.charAt(1));
                line.append("%s and %s die: %s".formatted(pair.charAt(0), pair.charAt(1), goOn()));
            } else {
                die(pair.charAt(0));
                line.append("%s dies: %s".formatted(pair.charAt(0), goOn()));
                die(pair.charAt(1));
                line.append(" | %s dies: %s".formatted(pair.charAt(1), goOn()));
            }
            seeds = true;
            for (char node : back.toCharArray()) {
                World.Node returned = at(node);
                returned.up = true;
                returned.fenced = false;
                line.append(" | %s is back: %s".formatted(node, goOn()));
            }
            assertThat(letters()).as("%s", line).matches("[PST] runs, [PST] follows");
            return line.toString();
        }

        private World.Node at(char node) {
            return world.nodes[NODES.indexOf(node)];
        }

        private void die(char node) {
            hands.loseNode(at(node));
        }

        /** What becomes of it: with a quorum whoever is down is fenced, and somebody promoted. */
        private String goOn() {
            long there = List.of(world.nodes).stream().filter(node -> node.up).count();
            world.store = there >= 2;
            if (world.store) {
                for (World.Node node : world.nodes) {
                    node.fenced = !node.up;
                }
            }
            settle();
            StringBuilder story = new StringBuilder();
            if (!world.store && policy == NoQuorum.STOP) {
                story.append(stop());
            }
            if (!isLed()) {
                story.append(promote());
            }
            String words = story + letters();
            return world.store ? words : words + " (no quorum)";
        }

        private String stop() {
            StringBuilder story = new StringBuilder();
            for (int n = 0; n < world.nodes.length; n++) {
                if (world.nodes[n].guest != World.Guest.NONE) {
                    hands.guestEnds(n, true);
                    story.append(NODES.charAt(n)).append(" is stopped, ");
                } else if (world.nodes[n].state instanceof Following) {
                    hands.give(n, new ReplicaEvent.RetireAsked());
                    story.append(NODES.charAt(n)).append(" is stopped and keeps its copy, ");
                }
            }
            settle();
            return story.toString();
        }

        private boolean isLed() {
            return List.of(world.nodes).stream().anyMatch(node -> node.guest != World.Guest.NONE);
        }

        private String promote() {
            StringBuilder story = new StringBuilder();
            int best = -1;
            for (int n = 0; n < world.nodes.length; n++) {
                if (world.nodes[n].up && (best < 0 || worth(n) > worth(best))) {
                    best = n;
                }
            }
            for (int n = 0; n < world.nodes.length; n++) {
                if (n != best && world.nodes[n].up && worth(n) == 0) {
                    story.append(ask(n));
                }
            }
            boolean counts = worth(best) > 0;
            String how = world.nodes[best].standby == null ? " boots, " : " goes on from its memory, ";
            String no = ask(best);
            assertThat(no.isEmpty()).as("who is in the set is promoted: %s", no).isEqualTo(counts && world.store);
            return story + (no.isEmpty() ? NODES.charAt(best) + how : no);
        }

        /** Its score, as pacemaker has it. */
        private int worth(int n) {
            World.Node node = world.nodes[n];
            boolean listed = world.record != null
                    && world.record.inSync().stream()
                            .anyMatch(copy -> World.same(node.standby, copy) || World.same(node.disks, copy));
            return !listed ? 0 : node.standby == null ? 50 : 100;
        }

        /** @return why not */
        private String ask(int n) {
            refused = Reason.BUSY;
            hands.give(n, new ReplicaEvent.PromoteAsked());
            settle();
            boolean leads = world.nodes[n].state instanceof Leading;
            return leads ? "" : "%s is refused (%s), ".formatted(NODES.charAt(n), refused);
        }

        /** Whatever happens by itself, and the guest goes on for a while, until it is held or protected. */
        private void settle() {
            for (int ticks = 0; ticks < 3; ) {
                List<Moves.Move> moves = Moves.of(world);
                world.budgets[Setup.Fault.SEED.ordinal()] = 1;
                Moves.Move next = moves.stream()
                        .filter(move -> !Walk.FAULTS.contains(move.kind())
                                && !Walk.IDLE.contains(move.kind())
                                && !POWER.contains(move.kind()))
                        .findFirst()
                        .or(() -> moves.stream().filter(this::helps).findFirst())
                        .or(() -> moves.stream()
                                .filter(move -> move.kind() == Moves.Kind.TICK)
                                .findFirst())
                        .orElse(null);
                if (next == null) {
                    return;
                }
                ticks += next.kind() == Moves.Kind.TICK ? 1 : 0;
                make(next);
            }
        }

        private boolean helps(Moves.Move move) {
            World.Node node = world.nodes[move.n()];
            if (move.kind() == Moves.Kind.OFFER) {
                return seeds && world.store && world.nodes[move.m()].up;
            }
            return move.kind() == Moves.Kind.RETRY && world.store && !(node.state instanceof Out);
        }

        private void make(Moves.Move move) {
            List<ReplicaEffect> due = world.nodes[Math.min(move.n(), 2)].due;
            if (move.kind() == Moves.Kind.EFFECT && due.get(0) instanceof ReplicaEffect.Refuse refuse) {
                refused = refuse.reason();
            }
            Moves.make(world, move);
            assertThat(world.violation).isEmpty();
        }

        private String letters() {
            List<String> words = new ArrayList<>();
            for (int n = 0; n < world.nodes.length; n++) {
                if (world.nodes[n].guest != World.Guest.NONE) {
                    words.add(0, NODES.charAt(n) + (world.nodes[n].guest == World.Guest.RUNS ? " runs" : " is held"));
                } else if (world.nodes[n].standby != null && World.same(attached(), world.nodes[n].standby)) {
                    words.add(NODES.charAt(n) + " follows");
                }
            }
            return words.isEmpty() ? "it does not run" : String.join(", ", words);
        }

        private @org.jspecify.annotations.Nullable Copy attached() {
            for (World.Node node : world.nodes) {
                if (node.state instanceof Protected guarded) {
                    return guarded.peer();
                }
            }
            return null;
        }
    }
}
