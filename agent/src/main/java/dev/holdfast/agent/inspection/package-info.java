/**
 * The hands of {@code holdfast fsck} on one node: gathers what {@link dev.holdfast.agent.fsck} compares, and carries out the repairs
 * it finds, each after another look.
 */
@NullMarked
package dev.holdfast.agent.inspection;

import org.jspecify.annotations.NullMarked;
