package dev.holdfast.agent.cow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What a chain consists of.
 *
 * @param deviceBytes size of the device
 * @param layers the newest first. If the first one is truncated, it counts as empty
 * @param problem why the chain is not whole: what, why, what to do; empty if it is
 */
public record CowReport(long deviceBytes, List<Entry> layers, String problem) {

    /**
     * One file of the chain.
     *
     * @param file as it was named
     * @param version of the COW format, 1 to 3; 0 for a raw image
     * @param backing name of the backing file as the header has it; empty for a raw image
     * @param fileBytes length of the file, most of which may be a hole
     * @param writtenBytes how much of the device is in it
     * @param visibleBytes how much of that no layer above it hides
     * @param mixedGroups how many groups of 4 KiB are in it in part
     */
    public record Entry(
            String file,
            int version,
            String backing,
            long fileBytes,
            long writtenBytes,
            long visibleBytes,
            long mixedGroups) {}

    /** Counts what is in each layer. */
    public static CowReport of(CowChain chain) throws IOException {
        List<Layer> layers = chain.layers();
        long[] written = new long[layers.size()];
        long[] visible = new long[layers.size()];
        long[] mixed = new long[layers.size()];
        long device = chain.top().deviceBytes();
        // If the file is truncated, its size may be anything.
        for (Window window : Window.of(chain.top().isComplete() ? device : 0)) {
            BitSet hidden = new BitSet(window.count());
            for (int i = 0; i < written.length; i++) {
                BitSet bits = layers.get(i).written(window.first(), window.count());
                written[i] += window.bytes(bits);
                mixed[i] += window.mixedGroups(bits);
                BitSet seen = window.without(bits, hidden);
                visible[i] += window.bytes(seen);
                hidden.or(bits);
            }
        }
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < written.length; i++) {
            Layer layer = layers.get(i);
            entries.add(new Entry(
                    layer.file().toString(),
                    layer.header().map(header -> header.layout().version).orElse(0),
                    layer.header().map(CowHeader::backing).orElse(""),
                    layer.fileBytes(),
                    written[i],
                    visible[i],
                    mixed[i]));
        }
        return new CowReport(
                device,
                List.copyOf(entries),
                chain.problem()
                        .map(problem -> String.valueOf(problem.getMessage()))
                        .orElse(""));
    }
}
