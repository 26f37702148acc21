/** What members and the leader tell each other over the group channel. Never a decision. */
@NullMarked
package dev.holdfast.coordinator.protocol.message;

import org.jspecify.annotations.NullMarked;
