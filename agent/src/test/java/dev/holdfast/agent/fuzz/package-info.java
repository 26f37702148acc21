/** Runs the fuzzer on everything that comes from outside; its targets are beside what they feed, {@code *Fuzz}. */
@NullMarked
package dev.holdfast.agent.fuzz;

import org.jspecify.annotations.NullMarked;
