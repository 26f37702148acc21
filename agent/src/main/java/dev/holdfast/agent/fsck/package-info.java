/**
 * What {@code holdfast fsck} thinks: the catalogue, the files of every node and what the hypervisors say, compared. Pure: facts in
 * ({@link dev.holdfast.agent.fsck.NodeFacts}, {@link dev.holdfast.agent.fsck.StoreFacts}), {@link dev.holdfast.agent.fsck.Finding}s
 * with their {@link dev.holdfast.agent.fsck.Repair}s out, in the order in which to do them. Nothing here reads or changes anything;
 * who carries a repair out looks again before.
 *
 * <p>What a repair may do is bounded: it moves files that nothing needs to {@code lost/}, puts back what lies there and is missing,
 * finishes what is decided, and lets machines run whose freeze is over. What only a person can know (which of two processes is the
 * right one, whether a damaged checkpoint is to go) stays a finding with a remedy.
 */
@NullMarked
package dev.holdfast.agent.fsck;

import org.jspecify.annotations.NullMarked;
