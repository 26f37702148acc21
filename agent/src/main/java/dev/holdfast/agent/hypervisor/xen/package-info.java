/** Virtual machines ("domains") under Xen, by way of its tool xl. */
@NullMarked
package dev.holdfast.agent.hypervisor.xen;

import org.jspecify.annotations.NullMarked;
