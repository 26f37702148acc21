/** Volumes of LVM, by its commands. What Holdfast made there carries its tag; nothing else is ever removed. */
@NullMarked
package dev.holdfast.agent.storage.lvm;

import org.jspecify.annotations.NullMarked;
