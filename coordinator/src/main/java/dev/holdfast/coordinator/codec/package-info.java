/**
 * The forms in which records are stored and messages travel. Records are JSON, mapped field by field with Jackson's tree,
 * never by reflection and never with types named in the data; messages are a small binary form, because they are on the
 * path of a frozen guest. Golden files in the test resources pin each form.
 *
 * <p>The only package of the coordinator that imports Jackson.
 */
@NullMarked
package dev.holdfast.coordinator.codec;

import org.jspecify.annotations.NullMarked;
