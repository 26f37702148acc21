/**
 * The agent's stable memory of what it has begun: one durable file for each operation, and who may touch which machine.
 *
 * <p>{@link dev.holdfast.agent.journal.OperationJournal} holds the files, {@link dev.holdfast.agent.journal.VmClaims} admits
 * one operation for each machine, {@link dev.holdfast.agent.journal.RoundJournal} is the port that rounds use.
 */
@NullMarked
package dev.holdfast.agent.journal;

import org.jspecify.annotations.NullMarked;
