/**
 * What the agent wants of a hypervisor: start, find, stop, freeze and capture virtual machines, and merge their disk
 * layers. Drivers live in packages below; nothing outside them names a hypervisor, but for {@link
 * dev.holdfast.agent.hypervisor.HypervisorKind the choice} that an administrator has.
 */
@NullMarked
package dev.holdfast.agent.hypervisor;

import org.jspecify.annotations.NullMarked;
