/** The walls between the packages of this module, and badly built classes that show that each wall stands. */
@NullMarked
package dev.holdfast.coordinator.walls;

import org.jspecify.annotations.NullMarked;
