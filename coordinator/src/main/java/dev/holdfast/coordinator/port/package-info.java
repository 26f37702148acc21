/**
 * What the engine needs from the world. Each interface is small and its javadoc is a contract: may it block, what may it
 * throw, what is durable when it returns.
 */
@NullMarked
package dev.holdfast.coordinator.port;

import org.jspecify.annotations.NullMarked;
