/** The machines of a migration in every interleaving. */
@NullMarked
package dev.holdfast.agent.migration;

import org.jspecify.annotations.NullMarked;
