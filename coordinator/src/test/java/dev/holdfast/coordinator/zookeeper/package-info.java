@NullMarked
package dev.holdfast.coordinator.zookeeper;

import org.jspecify.annotations.NullMarked;
