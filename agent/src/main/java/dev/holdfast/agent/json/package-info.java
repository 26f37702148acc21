/**
 * JSON for the agent: the one strict mapper, plain values for everybody else, and durable files.
 *
 * <p>Keys are written in snake case ({@code frozen_at_nanos}). Documents are bounded (64 levels, 1 MiB a text, 4 MiB in
 * all), duplicate keys, unknown properties and anything after the document are errors, and there is no polymorphism.
 */
@NullMarked
package dev.holdfast.agent.json;

import org.jspecify.annotations.NullMarked;
