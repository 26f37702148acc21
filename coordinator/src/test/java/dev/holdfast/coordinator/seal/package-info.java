/** Tests of sealed connections, on real sockets. */
@NullMarked
package dev.holdfast.coordinator.seal;

import org.jspecify.annotations.NullMarked;
