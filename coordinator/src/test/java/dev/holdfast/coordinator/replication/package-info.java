/** Tests of the rules of replicated machines, and the small world in which they are explored. */
@org.jspecify.annotations.NullMarked
package dev.holdfast.coordinator.replication;
