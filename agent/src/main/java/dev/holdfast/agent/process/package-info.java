/** Tools that are run as processes of their own. */
@NullMarked
package dev.holdfast.agent.process;

import org.jspecify.annotations.NullMarked;
