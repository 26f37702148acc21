/** The machines of a tunnel in every interleaving. */
@NullMarked
package dev.holdfast.agent.tunnel;

import org.jspecify.annotations.NullMarked;
