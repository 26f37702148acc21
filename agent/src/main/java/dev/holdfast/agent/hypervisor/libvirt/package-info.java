/**
 * Domains of libvirt. They belong to whoever starts them there (VirtualDomain, virsh, autostart); this driver finds them and looks at them, and
 * changes neither their description nor their block graph.
 */
@NullMarked
package dev.holdfast.agent.hypervisor.libvirt;

import org.jspecify.annotations.NullMarked;
