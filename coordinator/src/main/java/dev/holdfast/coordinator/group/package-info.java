/**
 * The group channel on JGroups: messages between the nodes of a cluster, sealed with a shared key, over TCP, with members
 * found through the registry. Carries no decision. The only package that imports JGroups.
 *
 * <p>Threads: {@code start} and {@code close} belong to the composition root. {@code send} may be called from any thread; it
 * only puts bytes into the bounded lane of each receiver, whose thread alone talks to JGroups. Received messages reach the
 * listener on JGroups' threads for out-of-band messages, several at a time. One thread measures clocks.
 */
@NullMarked
package dev.holdfast.coordinator.group;

import org.jspecify.annotations.NullMarked;
