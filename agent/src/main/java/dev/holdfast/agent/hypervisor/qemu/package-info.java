/** Virtual machines under QEMU, controlled over QMP. What QEMU can do is asked of QEMU, never derived from its version. */
@NullMarked
package dev.holdfast.agent.hypervisor.qemu;

import org.jspecify.annotations.NullMarked;
