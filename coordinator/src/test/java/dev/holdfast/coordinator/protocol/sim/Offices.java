package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import dev.holdfast.coordinator.protocol.sim.World.Reign;
import java.util.Arrays;

/** The leaders' half of what happens in a {@link Play}. */
final class Offices {

    private final Play play;
    private final Machines machines;
    private final World world;

    Offices(Play play, Machines machines) {
        this.play = play;
        this.machines = machines;
        this.world = play.world();
    }

    void leader(int l, int r, int event) {
        Machines.Answer<LeaderEffect> answer = machines.leaderStep(world.reigns[l].states[r], event);
        if (!answer.bug().isEmpty()) {
            play.violation = "leader " + (l + 1) + ", r" + r + ": " + answer.bug();
            return;
        }
        if (!answer.rejected()) {
            carryOut(l, r, answer);
        }
    }

    private void carryOut(int l, int r, Machines.Answer<LeaderEffect> answer) {
        Reign reign = world.reigns[l];
        reign.states[r] = answer.next();
        Store store = new Store(world, machines, l, r);
        for (LeaderEffect effect : answer.effects()) {
            if (play.diesNow(reign.node)) {
                return;
            }
            effect.accept(store);
        }
        play.diesNow(reign.node);
        play.violation = play.violation.isEmpty() ? store.violation : play.violation;
    }

    void elect(int n, boolean byFault) {
        if (byFault) {
            world.spend(Fault.ELECTION);
        }
        for (Reign reign : world.reigns) {
            if (reign.node == n && reign.alive) {
                endReign(reign);
            }
        }
        if (world.setup.mutant() == Mutant.EPHEMERAL_CLAIMS) {
            Arrays.fill(world.claims, 0);
        }
        world.epoch++;
        world.reigns = Arrays.copyOf(world.reigns, world.epoch);
        Reign reign = new Reign(n, world.rounds.length);
        for (int r = 0; r < world.rounds.length; r++) {
            reign.found |= world.rounds[r].isThere() ? 1 << r : 0;
        }
        world.reigns[world.epoch - 1] = reign;
    }

    void endReign(Reign reign) {
        reign.alive = false;
        for (int r = 0; r < reign.states.length; r++) {
            if (reign.writing[r] != 0) {
                world.addOrphan(reign.writing[r]);
            }
            reign.writing[r] = 0;
            reign.answers[r] = 0;
            reign.states[r] = 0;
            reign.timers[r] = 0;
        }
    }

    void depose(int l) {
        Reign reign = world.reigns[l];
        reign.deposed = true;
        for (int r = 0; r < reign.states.length; r++) {
            if (reign.states[r] != 0) {
                leader(l, r, machines.deposed);
            }
        }
        if (!play.crashed()) {
            endReign(reign);
        }
    }

    void begin(int l, int r) {
        world.rounds[r].begun = true;
        carryOut(l, r, machines.leaderBegins(r, l + 1));
    }

    void leaderView(int l, int r) {
        Reign reign = world.reigns[l];
        machines.see(world, reign.node, r);
        reign.found &= reign.states[r] == 0 ? ~(1 << r) : -1;
        for (int i = 0; i < 64 && !play.crashed() && play.violation.isEmpty(); i++) {
            int before = reign.states[r];
            int[] news = machines.leaderNews(before, r, world.rounds[r]);
            if (news.length == 0) {
                return;
            }
            leader(l, r, news[0]);
            if (reign.states[r] == before || reign.states[r] == 0) {
                return;
            }
        }
    }

    void land(int l, int r) {
        Reign reign = world.reigns[l];
        StringBuilder wrong = new StringBuilder();
        int event = Store.land(world, machines, reign.writing[r], wrong);
        play.violation = wrong.toString();
        reign.writing[r] = 0;
        reign.answers[r] = event + 1;
    }

    void leaderAnswer(int l, int r) {
        Reign reign = world.reigns[l];
        int event = reign.answers[r] - 1;
        reign.answers[r] = 0;
        leader(l, r, event);
    }

    void unknown(int l, int r, boolean late) {
        world.spend(Fault.STORE);
        Reign reign = world.reigns[l];
        if (late) {
            world.addOrphan(reign.writing[r]);
        }
        reign.writing[r] = 0;
        leader(l, r, machines.outcomeUnknown);
    }

    void orphan(int index, boolean lands) {
        int write = world.orphans[index];
        world.removeOrphan(write);
        if (!lands) {
            world.spend(Fault.STORE);
            return;
        }
        StringBuilder wrong = new StringBuilder();
        Store.land(world, machines, write, wrong);
        play.violation = wrong.toString();
    }
}
