/** The agent put together by hand: what each part gets, when it starts, and how it ends. */
@NullMarked
package dev.holdfast.agent;

import org.jspecify.annotations.NullMarked;
