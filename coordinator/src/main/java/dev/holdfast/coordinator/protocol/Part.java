package dev.holdfast.coordinator.protocol;

/**
 * One file of a checkpoint. Immutable.
 *
 * @param role what it is: {@code memory}, {@code sidecar}, or {@code disk:<id>} for a frozen layer
 * @param path absolute path on the node
 * @param bytes size
 * @param sha256 hexadecimal digest, empty where the file is verified another way
 * @param encrypted whether it can be read with a key of the nodes alone
 */
public record Part(String role, String path, long bytes, String sha256, boolean encrypted) {

    /** @throws IllegalArgumentException if the size is negative */
    public Part {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size is never negative: " + bytes);
        }
    }

    /** One that is not encrypted. */
    public Part(String role, String path, long bytes, String sha256) {
        this(role, path, bytes, sha256, false);
    }
}
