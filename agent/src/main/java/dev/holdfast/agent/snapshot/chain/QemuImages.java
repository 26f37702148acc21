package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.files.FileBytes;
import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Images by {@code qemu-img}. Thread-safe. */
public final class QemuImages implements DiskImages {
    private static final Duration QUICK = Duration.ofSeconds(30);
    private static final Duration LONG = Duration.ofHours(12);
    /** qemu-img check: 0 clean, 3 leaked clusters only, which cost space and harm nothing. */
    private static final int LEAKS_ONLY = 3;

    /** About two million pieces of an image. */
    private static final int LONGEST_MAP = 256 << 20;

    private final String program;

    /** @param program {@code qemu-img}, or where it is */
    public QemuImages(String program) {
        this.program = program;
    }

    @Override
    public void create(Path image, long virtualBytes) throws IOException {
        OwnFile.prepare(image);
        run(QUICK, "create", "-q", "-f", "qcow2", image.toString(), Long.toString(virtualBytes));
        FileBytes.flush(image);
    }

    @Override
    public void createOverlay(Path overlay, Path backing) throws IOException {
        createOverlay(overlay, backing, List.of());
    }

    @Override
    public void createOverlay(Path overlay, Path backing, long virtualBytes) throws IOException {
        createOverlay(overlay, backing, List.of(Long.toString(virtualBytes)));
    }

    private void createOverlay(Path overlay, Path backing, List<String> size) throws IOException {
        OwnFile.prepare(overlay);
        List<String> command = new ArrayList<>(List.of("create", "-q", "-f", "qcow2"));
        command.addAll(List.of("-F", ImageForm.of(backing).format(), "-b", backing.toString(), overlay.toString()));
        command.addAll(size);
        run(QUICK, command.toArray(String[]::new));
        FileBytes.flush(overlay);
    }

    @Override
    public void commit(Path top, Path base, Progress progress) throws IOException {
        long total = Files.size(top);
        progress.at(0, total);
        // -d keeps the top's content, so that the chain above it stays readable until it is linked to the base.
        run(LONG, "commit", "-q", "-d", "-f", "qcow2", "-b", base.toString(), top.toString());
        FileBytes.flush(base);
        progress.at(total, total);
    }

    @Override
    public void relink(Path image, Path backing) throws IOException {
        String format = ImageForm.of(backing).format();
        run(QUICK, "rebase", "-q", "-u", "-f", "qcow2", "-F", format, "-b", backing.toString(), image.toString());
        FileBytes.flush(image);
    }

    /**
     * The format of an image by its content, in qemu-img's word: for what was never under Holdfast, and whose name says nothing.
     *
     * @throws ChainException if it cannot be read, or is in use
     */
    String format(Path image) throws IOException {
        String line = "file format: ";
        return run(QUICK, "info", image.toString())
                .lines()
                .filter(each -> each.startsWith(line))
                .map(each -> each.substring(line.length()))
                .findFirst()
                .orElseThrow(() -> new ChainException("\"" + program + " info\" says no format of " + image));
    }

    /** Copies an image of any format into a qcow2 image of its own. Durable on return, its directory entry is not. */
    public void convert(Path from, Path to) throws IOException {
        OwnFile.prepare(to);
        run(LONG, "convert", "-q", "-O", "qcow2", from.toString(), to.toString());
        FileBytes.flush(to);
    }

    @Override
    public boolean isEven(Path top, Path base) throws IOException {
        List<String> command = List.of(program, "map", "--output=json", "-f", "qcow2", top.toString());
        BoundedProcess.Ended ended = BoundedProcess.run(command, LONG, LONGEST_MAP);
        if (ended.status() != 0) {
            throw new ChainException("\"%s\" failed: %s".formatted(String.join(" ", command), ended.output()));
        }
        return TopPieces.parse(ended.output()).areIn(top, base);
    }

    @Override
    public void check(Path image) throws IOException {
        List<String> command = List.of(program, "check", "-q", "-U", "-f", "qcow2", image.toString());
        BoundedProcess.Ended ended = BoundedProcess.run(command, LONG);
        if (ended.status() != 0 && ended.status() != LEAKS_ONLY) {
            throw new ChainException(image + " is damaged: " + shortened(ended.output()) + "; restore it from a copy");
        }
    }

    @Override
    public boolean isWritten(Path image) throws IOException {
        List<String> command =
                List.of(program, "info", "-f", ImageForm.of(image).format(), image.toString());
        BoundedProcess.Ended ended = BoundedProcess.run(command, QUICK);
        // raw_check_lock_bytes() in block/file-posix.c: Failed to get shared "write" lock
        return ended.status() != 0 && ended.output().contains("\"write\" lock");
    }

    /** One wrong entry makes hundreds of remarks. */
    private static String shortened(String output) {
        List<String> lines = output.lines().toList();
        return lines.size() < 2
                ? output
                : "%s (and %d more; \"qemu-img check\" tells)".formatted(lines.get(0), lines.size() - 1);
    }

    private String run(Duration patience, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(program);
        command.addAll(List.of(arguments));
        List<String> bound = Stream.concat(BoundedProcess.WITH_THE_AGENT.stream(), command.stream())
                .toList();
        BoundedProcess.Ended ended = BoundedProcess.run(bound, patience);
        if (ended.status() != 0) {
            throw new ChainException("\"%s\" failed: %s".formatted(String.join(" ", command), ended.output()));
        }
        return ended.output();
    }
}
