@NullMarked
package dev.holdfast.agent.pacemaker;

import org.jspecify.annotations.NullMarked;
