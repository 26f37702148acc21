/**
 * The configuration of a node: immutable records, read from {@code holdfast.toml} and {@code vms/*.toml}.
 *
 * <p>Reading finds <em>all</em> problems of all files at once, each with file, line, column, what is wrong and what to do.
 * Start at {@link dev.holdfast.agent.config.ConfigurationLoader}. The only package that knows TOML.
 */
@NullMarked
package dev.holdfast.agent.config;

import org.jspecify.annotations.NullMarked;
