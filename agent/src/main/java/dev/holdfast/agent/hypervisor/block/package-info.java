/** What drivers share whose disks are QEMU's block nodes, whichever program has them: the jobs that work on them. */
@NullMarked
package dev.holdfast.agent.hypervisor.block;

import org.jspecify.annotations.NullMarked;
