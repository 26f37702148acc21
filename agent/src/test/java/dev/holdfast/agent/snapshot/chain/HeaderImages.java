package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/** Images that consist of a header only: enough for everything about names. */
final class HeaderImages implements DiskImages {
    private static final int NAME_OFFSET = 128;

    final Set<Path> damaged = new HashSet<>();
    String failure = "";

    @Override
    public void create(Path image, long virtualBytes) throws IOException {
        write(image, "", virtualBytes);
    }

    @Override
    public void createOverlay(Path overlay, Path backing) throws IOException {
        if (!failure.isEmpty()) {
            Files.writeString(overlay, "half");
            throw new ChainException(failure);
        }
        boolean raw = ImageForm.of(backing) != ImageForm.QCOW2;
        createOverlay(
                overlay,
                backing,
                raw ? Files.size(backing) : Qcow2Header.read(backing).virtualBytes());
    }

    @Override
    public void createOverlay(Path overlay, Path backing, long virtualBytes) throws IOException {
        write(overlay, backing.toString(), virtualBytes);
    }

    @Override
    public void commit(Path top, Path base, Progress progress) throws IOException {
        Qcow2Header.read(top);
        if (ImageForm.of(base) == ImageForm.QCOW2) {
            Qcow2Header.read(base);
        }
    }

    @Override
    public void relink(Path image, Path backing) throws IOException {
        write(image, backing.toString(), Qcow2Header.read(image).virtualBytes());
    }

    @Override
    public boolean isEven(Path top, Path base) {
        return true; // None has any content.
    }

    @Override
    public void check(Path image) throws IOException {
        if (damaged.contains(image)) {
            throw new ChainException(image + " is damaged");
        }
    }

    @Override
    public boolean isWritten(Path image) {
        return false;
    }

    static void write(Path image, String backing, long virtualBytes) throws IOException {
        byte[] name = backing.getBytes(StandardCharsets.UTF_8);
        ByteBuffer header = ByteBuffer.allocate(NAME_OFFSET + name.length);
        header.putInt(0, 0x514649fb).putInt(4, 3).putLong(24, virtualBytes);
        if (name.length > 0) {
            header.putLong(8, NAME_OFFSET).putInt(16, name.length).position(NAME_OFFSET);
            header.put(name);
        }
        Files.write(image, header.array());
    }
}
