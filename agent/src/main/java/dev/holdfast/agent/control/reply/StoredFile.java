package dev.holdfast.agent.control.reply;

/**
 * One file of a checkpoint or a snapshot.
 *
 * @param role {@code memory}, {@code sidecar} or {@code disk:<id>}
 * @param path absolute path on the node
 * @param bytes size
 * @param sha256 hexadecimal digest, empty where it is verified another way
 * @param encrypted whether it can be read with a key of the node alone
 */
public record StoredFile(String role, String path, long bytes, String sha256, boolean encrypted) {}
