/**
 * What {@code holdfast doctor} thinks: {@link dev.holdfast.agent.doctor.HostFacts} and {@link
 * dev.holdfast.agent.doctor.ClusterFacts} in, {@link dev.holdfast.agent.doctor.Check}s out, each with what to do about it. The
 * judgement is pure; {@link dev.holdfast.agent.doctor.HostLook} gathers what a host can tell without an agent, so that the command
 * line can use it when the agent is the patient.
 */
@NullMarked
package dev.holdfast.agent.doctor;

import org.jspecify.annotations.NullMarked;
