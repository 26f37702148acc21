/** What a node knows of itself between two lives, and what it tells the others while it lives. */
@NullMarked
package dev.holdfast.agent.node;

import org.jspecify.annotations.NullMarked;
