/**
 * Named points of the protocol at which a fault campaign (deploy/faults.sh) holds, ends or fails the agent. Without the system
 * property {@code holdfast.faults} nothing of this is between the parts of the agent.
 */
@NullMarked
package dev.holdfast.agent.faults;

import org.jspecify.annotations.NullMarked;
