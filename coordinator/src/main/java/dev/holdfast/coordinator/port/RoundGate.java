package dev.holdfast.coordinator.port;

import java.util.Optional;

/** A person can hold back new rounds of the whole cluster; those under way go on. Methods block. Thread-safe. */
public interface RoundGate {

    /** Why new rounds are held back; empty if they are not. */
    Optional<String> heldBack() throws StoreUnreachableException;

    /** Holds new rounds back, or changes the reason. Idempotent. */
    void holdBack(String reason) throws StoreUnreachableException;

    /** Lets rounds begin again. Idempotent. */
    void letBegin() throws StoreUnreachableException;
}
