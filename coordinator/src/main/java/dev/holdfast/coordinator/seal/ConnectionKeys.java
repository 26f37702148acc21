package dev.holdfast.coordinator.seal;

import javax.crypto.SecretKey;

/** Makes the keys of connections from a key that both ends share. Thread-safe. */
@FunctionalInterface
public interface ConnectionKeys {

    /**
     * The key of one direction of one connection, for {@link Seal}. Other arguments, in whichever place, make another key.
     *
     * @param direction which of the two
     * @param called the address that was called
     * @param callerSalt 32 bytes that the caller has just drawn
     * @param calledSalt those of the other end
     */
    SecretKey key(String direction, byte[] called, byte[] callerSalt, byte[] calledSalt);
}
