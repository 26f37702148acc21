package dev.holdfast.coordinator.protocol.sim;

/** Looks for the first walk that notices each mutant; from the command line. */
final class Hunt {

    private Hunt() {}

    public static void main(String[] words) {
        int most = Integer.parseInt(words[0]);
        for (Mutant mutant : Mutant.values()) {
            long from = System.nanoTime();
            String found = "SURVIVES";
            int seed = 1;
            for (; seed <= most; seed++) {
                Walk walk = new Walk(seed, mutant).run();
                if (!walk.violation.isEmpty()) {
                    found = "seed " + seed + ": " + walk.violation;
                    break;
                }
            }
            System.out.printf("%-36s %s (%.1f s)%n", mutant, found, (System.nanoTime() - from) / 1e9);
        }
    }
}
