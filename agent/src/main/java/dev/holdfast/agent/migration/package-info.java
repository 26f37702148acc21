/**
 * Machines that move to another node while they run. {@link dev.holdfast.agent.migration.Departure} and
 * {@link dev.holdfast.agent.migration.Arrival} decide, the rest carries out what they say. The node that runs a machine owns
 * it until its journal says that it is handed over; only after that may it tell the other node to let it run.
 */
@NullMarked
package dev.holdfast.agent.migration;

import org.jspecify.annotations.NullMarked;
