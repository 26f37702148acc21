/** What the commands of the control socket answer: one record for each kind of result, all plain values. */
@NullMarked
package dev.holdfast.agent.control.reply;

import org.jspecify.annotations.NullMarked;
