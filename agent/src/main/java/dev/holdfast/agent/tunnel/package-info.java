/**
 * Connections between two agents for what is too much for the group channel: the disks and the memory of a machine that moves.
 * Encrypted and authenticated with a secret that is made for one move and told over the group channel.
 */
@NullMarked
package dev.holdfast.agent.tunnel;

import org.jspecify.annotations.NullMarked;
