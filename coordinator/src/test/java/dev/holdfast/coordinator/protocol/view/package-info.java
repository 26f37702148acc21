/** Tests of how views become events. */
@NullMarked
package dev.holdfast.coordinator.protocol.view;

import org.jspecify.annotations.NullMarked;
