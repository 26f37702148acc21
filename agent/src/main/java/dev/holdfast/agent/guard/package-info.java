/**
 * The agent's side of the guard: a small process, not a JVM ({@code src/main/c/guard}), that thaws virtual machines when
 * this one dies or hangs.
 */
@NullMarked
package dev.holdfast.agent.guard;

import org.jspecify.annotations.NullMarked;
