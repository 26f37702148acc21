@NullMarked
package dev.holdfast.coordinator.schedule;

import org.jspecify.annotations.NullMarked;
