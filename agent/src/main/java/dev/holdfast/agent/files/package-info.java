/** Files that the agent makes: nothing is written through what somebody else has put in their place; and bytes at places of files. */
@NullMarked
package dev.holdfast.agent.files;

import org.jspecify.annotations.NullMarked;
