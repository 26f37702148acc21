package dev.holdfast.agent.cow;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Any content of a COW file: shown and merged, or refused. Its backing file may be itself, a file that is not there, or a raw image of 4
 * KiB that was changed one second after 1970.
 */
public final class CowFuzz {
    /** Relative, so that inputs can name them wherever the fuzzer runs. */
    private static final Path FILE = Path.of("fuzz-cow");

    private static final Path BASE = Path.of("fuzz-base");
    private static final Path OUT = Path.of("fuzz-out");
    private static final int LARGEST_MERGED = 1 << 20;
    /** Where the numbers of version 2 are, behind what a fuzzer's input reaches. */
    private static final int BEHIND_THE_NAME = 4104;

    static {
        try {
            Files.write(BASE, new byte[4096]);
            Files.setLastModifiedTime(BASE, FileTime.from(1, TimeUnit.SECONDS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private CowFuzz() {}

    /** The first byte says how long the file is, and whether the last bytes of the input come behind the name. */
    public static void fuzzerTestOneInput(byte[] input) throws IOException {
        if (input.length == 0) {
            return;
        }
        int length = Byte.toUnsignedInt(input[0]) / 2 * 512;
        byte[] content = Arrays.copyOf(Arrays.copyOfRange(input, 1, input.length), length);
        if (input[0] % 2 != 0 && length >= BEHIND_THE_NAME + 16 && input.length > 24) {
            System.arraycopy(input, input.length - 16, content, BEHIND_THE_NAME, 16);
        }
        Files.write(FILE, content);
        try (CowChain chain = CowChain.open(List.of(FILE), Optional.empty())) {
            use(chain);
        } catch (CowException refused) {
            requireReason(refused);
        }
    }

    private static void use(CowChain chain) throws IOException {
        if (chain.top().deviceBytes() > LARGEST_MERGED) {
            return;
        }
        CowReport.of(chain);
        try {
            CowMerge.merge(chain, OUT, CowMerge.Kind.COW, true);
        } catch (CowException refused) {
            requireReason(refused);
        }
    }

    private static void requireReason(CowException refused) {
        if (String.valueOf(refused.getMessage()).length() < 10) {
            throw new AssertionError("no reason", refused);
        }
    }
}
