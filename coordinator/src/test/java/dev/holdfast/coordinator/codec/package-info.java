@NullMarked
package dev.holdfast.coordinator.codec;

import org.jspecify.annotations.NullMarked;
