package dev.holdfast.agent.image;

import dev.holdfast.agent.hypervisor.MemoryImages;
import dev.holdfast.agent.hypervisor.Progress;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Memory images of which some are encrypted. Thread-safe.
 *
 * @param keys those of this node
 */
public record KeyedImages(MemoryKeys keys) implements MemoryImages {

    @Override
    public boolean isEncrypted(Path image) throws IOException {
        return ImageReader.isEncrypted(image);
    }

    @Override
    public Optional<String> obstacle(Path image) {
        try {
            return problem(image, reader -> {});
        } catch (IOException e) {
            return Optional.of("%s cannot be read: %s; look at the file and its storage".formatted(image, e));
        }
    }

    @Override
    public Optional<String> missingKey(Path image) throws IOException {
        if (!isEncrypted(image)) {
            return Optional.empty();
        }
        try (ImageReader reader = ImageReader.open(image, keys)) {
            return Optional.empty();
        } catch (MissingKeyException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (ImageException e) {
            return Optional.empty(); // It is damaged, which its key has shown.
        }
    }

    @Override
    public Optional<String> damage(Path image, Progress progress) throws IOException {
        return problem(image, reader -> reader.writeTo(Channels.newChannel(OutputStream.nullOutputStream()), progress));
    }

    private interface Look {
        void into(ImageReader reader) throws IOException;
    }

    private Optional<String> problem(Path image, Look look) throws IOException {
        if (!isEncrypted(image)) {
            return Optional.empty();
        }
        try (ImageReader reader = ImageReader.open(image, keys)) {
            look.into(reader);
            return Optional.empty();
        } catch (ImageException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
