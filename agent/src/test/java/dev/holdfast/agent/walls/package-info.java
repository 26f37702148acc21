/** The walls that hold for the whole product, and badly built classes that show that each wall stands. */
@NullMarked
package dev.holdfast.agent.walls;

import org.jspecify.annotations.NullMarked;
