package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Goes through every state that a change of a chain can get into, breadth first: each step, each crash of the agent, of the
 * machine and of the node between any two steps, each guest write, each start from the head, each recovery.
 */
final class ChainExplorer {
    /** How a recovery is planned; the tests put wrong ones in. */
    interface Recovery {
        List<ChainStep> plan(Intent intent, ChainPlan.Facts facts, int nextNumber);
    }

    /** What was found. */
    record Result(int states, Optional<String> violation, List<String> trace) {
        @Override
        public String toString() {
            return states + " states, " + violation.orElse("no violation") + "\n  " + String.join("\n  ", trace);
        }
    }

    private record Edge(String label, Object from) {}

    private record Move(String label, ModelDisk to) {}

    private final Recovery recovery;
    private final Map<Object, Edge> seen = new HashMap<>();
    private final ArrayDeque<ModelDisk> queue = new ArrayDeque<>();

    ChainExplorer(Recovery recovery) {
        this.recovery = recovery;
    }

    Result explore(ModelDisk start) {
        seen.put(start.key(), new Edge("", start.key()));
        queue.add(start);
        while (!queue.isEmpty()) {
            ModelDisk state = queue.remove();
            List<Move> moves = new ArrayList<>();
            try {
                state.check();
                checkEnd(state);
                collect(state, moves);
            } catch (ModelDisk.Broken e) {
                return new Result(seen.size(), Optional.of(String.valueOf(e.getMessage())), trace(state.key()));
            }
            for (Move move : moves) {
                if (seen.putIfAbsent(move.to().key(), new Edge(move.label(), state.key())) == null) {
                    queue.add(move.to());
                }
            }
        }
        return new Result(seen.size(), Optional.empty(), List.of());
    }

    private static void checkEnd(ModelDisk state) {
        if (!state.agentLives || !state.plan.isEmpty() || state.intent.isEmpty()) {
            return;
        }
        if (state.head > 0 || state.active.isPresent()) {
            throw new ModelDisk.Broken("the change has ended and its intent is still there");
        }
        if (!state.guardRan) {
            throw new ModelDisk.Broken("the start is refused although nobody has let the guest run");
        }
    }

    private void collect(ModelDisk state, List<Move> moves) {
        if (state.agentLives && !state.plan.isEmpty()) {
            step(state, moves);
        }
        if (state.agentLives && state.plan.isEmpty() && state.held) {
            moves.add(new Move("the machine that the head names runs", with(state, ModelDisk::startFromHead)));
        }
        if (state.active.isPresent() && !state.held && !state.stopped && state.writes > 0) {
            for (String disk : ModelDisk.DISKS) {
                for (int block = 0; block < ModelDisk.BLOCKS; block++) {
                    write(state, disk, block, moves);
                }
            }
        }
        // A start waits for the operation under way, or finds the agent dead: then anybody may start the machine.
        if (state.active.isEmpty() && state.head > 0 && (!state.agentLives || state.plan.isEmpty())) {
            moves.add(new Move("the machine is started from the head", with(state, ModelDisk::startFromHead)));
        }
        settling(state, moves);
        if (!state.agentLives) {
            moves.add(new Move("the agent starts and recovers", with(state, this::recover)));
        }
        if (state.durableHeads.size() > 1) {
            moves.add(new Move("the kernel writes the directory back", with(state, ModelDisk::flushHead)));
        }
        if (state.budget > 0) {
            crashes(state, moves);
        }
    }

    private static void settling(ModelDisk state, List<Move> moves) {
        for (Layer home : state.following) {
            moves.add(new Move("QEMU copies what was written into " + home, with(state, s -> s.catchUp(home))));
        }
        if (state.stopped) {
            moves.add(new Move("the guard lets the guest run", with(state, s -> {
                s.stopped = false;
                s.guardRan = true;
            })));
        }
    }

    private static boolean isPossible(ChainStep step, ModelDisk state) {
        boolean needsMachine = step instanceof ChainStep.Cut
                || step instanceof ChainStep.Follow
                || step instanceof ChainStep.CopyLayers && state.counts
                || step instanceof ChainStep.HoldStill;
        return step instanceof ChainStep.Pivot pivot
                ? state.following.contains(pivot.home())
                : !needsMachine || state.active.isPresent();
    }

    private static void step(ModelDisk state, List<Move> moves) {
        ChainStep next = state.plan.get(0);
        // Cutting and merging need a machine as it was when the plan was made; without it the change fails and is
        // recovered.
        if (isPossible(next, state)) {
            moves.add(new Move(next.toString(), with(state, s -> {
                s.plan = s.plan.subList(1, s.plan.size());
                run(next, s);
            })));
        } else {
            moves.add(new Move("the step fails, the agent gives up: " + next, with(state, s -> {
                s.agentLives = false;
                s.plan = List.of();
            })));
        }
        if (next instanceof ChainStep.Merge merge && state.budget > 0) {
            moves.add(new Move("half of " + next + ", then the agent dies", with(state, s -> {
                s.mergeHalf(merge.top(), merge.base());
                s.budget--;
                s.agentLives = false;
                s.plan = List.of();
            })));
        }
    }

    static void run(ChainStep step, ModelDisk on) {
        try {
            step.run(on);
        } catch (IOException e) {
            throw new IllegalStateException("the model does no input or output", e);
        }
    }

    private static void write(ModelDisk state, String disk, int block, List<Move> moves) {
        int value = Collections.max(state.newest.get(state.activeTimeline)) + 1;
        moves.add(new Move("the guest writes %s:%d := %d".formatted(disk, block, value), with(state, s -> {
            s.writes--;
            s.guestWrites(disk, block, value);
        })));
    }

    private void recover(ModelDisk state) {
        state.agentLives = true;
        state.following.clear();
        state.plan = state.intent
                .map(intent -> recovery.plan(intent, state.facts(), state.nextNumber()))
                .orElse(List.of());
    }

    private static void crashes(ModelDisk state, List<Move> moves) {
        if (state.agentLives) {
            moves.add(new Move("the agent dies", with(state, s -> {
                s.budget--;
                s.agentLives = false;
                s.plan = List.of();
            })));
        }
        if (state.active.isPresent()) {
            moves.add(new Move("the machine's process dies", with(state, s -> {
                s.budget--;
                s.endProcess();
            })));
        }
        for (int survivor : state.durableHeads) {
            moves.add(new Move("the node loses its power, the head is at generation " + survivor, with(state, s -> {
                s.budget--;
                s.losePower(survivor);
            })));
        }
    }

    private static ModelDisk with(ModelDisk state, java.util.function.Consumer<ModelDisk> change) {
        ModelDisk copy = state.copy();
        change.accept(copy);
        return copy;
    }

    private List<String> trace(Object end) {
        List<String> labels = new ArrayList<>();
        Object at = end;
        Edge edge = seen.get(at);
        while (edge != null && !edge.label().isEmpty()) {
            labels.add(edge.label());
            at = edge.from();
            edge = seen.get(at);
        }
        Collections.reverse(labels);
        return labels;
    }
}
