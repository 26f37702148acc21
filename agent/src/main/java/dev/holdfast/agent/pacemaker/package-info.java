/** What this node and its pacemaker tell each other. Everything works without pacemaker, too. */
@NullMarked
package dev.holdfast.agent.pacemaker;

import org.jspecify.annotations.NullMarked;
