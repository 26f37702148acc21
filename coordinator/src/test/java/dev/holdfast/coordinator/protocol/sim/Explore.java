package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;

/** Explores one small cluster from the command line: kind, nodes, states at most, then FAULT=times and mutants. */
final class Explore {

    private Explore() {}

    public static void main(String[] words) {
        int nodes = Integer.parseInt(words[1]);
        Setup setup =
                Setup.of(nodes, Setup.all(RoundKind.valueOf(words[0]), nodes)).merged();
        for (int i = 3; i < words.length; i++) {
            String[] pair = words[i].split("=");
            setup = pair.length == 2
                    ? setup.with(Fault.valueOf(pair[0]), Integer.parseInt(pair[1]))
                    : setup.broken(Mutant.valueOf(pair[0]));
        }
        Checker checker = new Checker(setup, Integer.parseInt(words[2]));
        boolean restless = setup.mutant() == Mutant.DECISION_WITHOUT_VERSION;
        System.out.println((restless ? checker.safetyOnly() : checker).run());
    }
}
