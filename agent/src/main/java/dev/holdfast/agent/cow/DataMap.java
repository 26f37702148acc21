package dev.holdfast.agent.cow;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a file has data and where holes, which read as zeros. Java cannot ask a file system for that, {@code qemu-img map} can. What it
 * does not tell counts as data: that costs time and changes nothing else.
 */
final class DataMap {
    /** Smaller files are read sooner than asked about. */
    private static final long WORTH_ASKING = 8 << 20;
    /** About 150,000 pieces of a file; what is behind them counts as data. */
    private static final int LONGEST_ANSWER = 16 << 20;

    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Pattern PIECE =
            Pattern.compile("\\{ \"start\": (\\d{1,18}), \"length\": (\\d{1,18}),.*\"data\": (true|false).*\\}.?");

    /** End of each piece of data by its beginning. */
    private final NavigableMap<Long, Long> data;

    private DataMap(NavigableMap<Long, Long> data) {
        this.data = data;
    }

    /** @param length of the file, in bytes */
    static DataMap of(Path file, long length) {
        if (length < WORTH_ASKING) {
            return parse("");
        }
        // Our own lock on the file would stop qemu-img, also with its option --force-share.
        String image = "driver=raw,file.driver=file,file.locking=off,file.filename="
                + file.toAbsolutePath().toString().replace(",", ",,");
        List<String> command = List.of("qemu-img", "map", "--image-opts", "--output=json", image);
        try {
            BoundedProcess.Ended ended = BoundedProcess.run(command, PATIENCE, LONGEST_ANSWER);
            return parse(ended.status() == 0 ? ended.output() : "");
        } catch (IOException e) {
            return parse(""); // Without qemu-img, all of the file is read.
        }
    }

    /** @param answer lines of {@code qemu-img map --output=json}, perhaps cut */
    static DataMap parse(String answer) {
        NavigableMap<Long, Long> data = new TreeMap<>();
        long known = 0;
        for (String line : answer.lines().toList()) {
            Matcher piece = PIECE.matcher(line.startsWith("[") ? line.substring(1) : line);
            if (!piece.matches() || Long.parseLong(piece.group(1)) != known) {
                break;
            }
            long end = known + Long.parseLong(piece.group(2));
            if (piece.group(3).equals("true")) {
                data.put(known, end);
            }
            known = end;
        }
        data.put(known, Long.MAX_VALUE);
        return new DataMap(data);
    }

    /** The first place with data from there on. */
    long nextData(long from) {
        Map.Entry<Long, Long> piece = data.floorEntry(from);
        if (piece != null && piece.getValue() > from) {
            return from;
        }
        Long next = data.higherKey(from);
        return next == null ? Long.MAX_VALUE : next;
    }

    /** Where the data ends that is at a place which {@link #nextData} has named. */
    long endOfData(long at) {
        return data.floorEntry(at).getValue();
    }
}
