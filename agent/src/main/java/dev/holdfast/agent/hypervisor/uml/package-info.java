/**
 * Virtual machines under User-Mode Linux, controlled over mconsole. Their disks are chains of qcow2 files, as those of QEMU are:
 * qemu-storage-daemon shows them to the kernel of the guest as raw files.
 */
@NullMarked
package dev.holdfast.agent.hypervisor.uml;

import org.jspecify.annotations.NullMarked;
