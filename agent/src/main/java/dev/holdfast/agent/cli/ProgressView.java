package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.Progress;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.Map;

/**
 * Shows how a command gets on: one line for each phase; for bytes one bar that moves on a terminal, and elsewhere a line for
 * each tenth that is reached for the first time. Several nodes may be in different phases at once, and their reports come
 * mixed. One thread.
 */
final class ProgressView implements Progress {
    private static final int BAR = 30;
    private static final int STEPS = 10;

    private final PrintWriter err;
    private final boolean moving;
    private boolean barOpen;
    private final Map<String, Integer> shownSteps = new HashMap<>();

    ProgressView(Environment environment) {
        this.err = environment.err();
        this.moving = environment.interactive();
    }

    @Override
    public void phase(String phase, String text) {
        end();
        err.println(View.padded(phase, 10) + " " + text);
        err.flush();
    }

    @Override
    public void bytes(String phase, long done, long total) {
        double part = total <= 0 ? 1 : Math.max(0, Math.min(1, (double) done / total));
        if (moving) {
            bar(phase, done, total, part);
        } else {
            line(phase, total, part);
        }
        err.flush();
    }

    /** Ends a bar, so that the next text has a line of its own. */
    void end() {
        if (barOpen) {
            err.println();
            err.flush();
        }
        barOpen = false;
    }

    private void bar(String phase, long done, long total, double part) {
        int filled = (int) Math.round(part * BAR);
        err.print("\r" + View.padded(phase, 10) + " [" + "#".repeat(filled) + ".".repeat(BAR - filled) + "] "
                + View.padded(
                        "%3d %%  %s of %s".formatted(Math.round(part * 100), View.size(done), View.size(total)), 32));
        barOpen = true;
    }

    private void line(String phase, long total, double part) {
        int step = (int) (part * STEPS);
        if (step <= shownSteps.getOrDefault(phase, -1)) {
            return;
        }
        shownSteps.put(phase, step);
        err.println(View.padded(phase, 10) + " %d %% of %s".formatted(Math.round(part * 100), View.size(total)));
    }
}
