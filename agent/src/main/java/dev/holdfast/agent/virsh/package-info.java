/**
 * virsh, libvirt's own command line, as a process that is kept open: it can be killed where a library's call could not, and what it says is
 * bounded. Knows nothing of what the commands mean.
 */
@NullMarked
package dev.holdfast.agent.virsh;

import org.jspecify.annotations.NullMarked;
