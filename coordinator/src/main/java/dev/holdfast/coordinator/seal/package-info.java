/**
 * TCP connections of which both ends know a shared key: nothing that goes over one can be read, altered, left out, repeated or
 * taken to another connection unnoticed, and who does not know the key is heard for a few dozen bytes.
 *
 * <p>Threads: one for each caller that has not proved itself yet, bounded; see {@link SealedServerSocket}.
 */
@NullMarked
package dev.holdfast.coordinator.seal;

import org.jspecify.annotations.NullMarked;
