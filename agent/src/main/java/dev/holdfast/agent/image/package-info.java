/**
 * Memory images that are encrypted at rest: their keys and their format. An image is a head of {@value
 * dev.holdfast.agent.image.ImageHead#LENGTH} bytes and records of {@value dev.holdfast.agent.image.Records#CONTENT} bytes of
 * memory, each with {@value dev.holdfast.agent.image.Records#TAG} bytes that prove it; the last record is shorter, and may be
 * empty. So the length of the file tells where each record is, and no length in it has to be believed.
 */
@NullMarked
package dev.holdfast.agent.image;

import org.jspecify.annotations.NullMarked;
