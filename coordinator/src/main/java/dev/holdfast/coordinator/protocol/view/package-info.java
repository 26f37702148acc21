/** What the store shows, as events for the two machines: the one place of the protocol that knows both of them. Pure. */
@NullMarked
package dev.holdfast.coordinator.protocol.view;

import org.jspecify.annotations.NullMarked;
