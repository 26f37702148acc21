/**
 * What storages do with images by themselves: copies that share blocks with their original, made once nobody writes it. The port, and
 * {@code directory}, {@code lvm} and {@code drbd} behind it. Knows neither chains nor machines nor freezes.
 */
@NullMarked
package dev.holdfast.agent.storage;

import org.jspecify.annotations.NullMarked;
