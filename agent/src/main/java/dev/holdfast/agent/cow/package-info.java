/**
 * Copy-on-write files of User-Mode Linux (COW files, those of {@code uml_mkcow}): reading them, checking chains of them, merging chains.
 *
 * <p>A COW file belongs to another file, its backing file, and holds those sectors of a device that were written since:
 *
 * <pre>
 * header | bitmap: a bit for each sector, lowest bit of the first byte first | data: sector i at 512 * i, a hole where it was not written
 * </pre>
 *
 * <p>A sector whose bit is set is in the file, also where the data has a hole there: it is then zero. User-Mode Linux mounts a COW file on
 * a raw image only. Here the backing file may be a COW file itself, to any depth. Whether it is, is told by the size that the
 * file above it records, never by the first bytes of the backing file, which a guest may have written.
 *
 * <p>Nothing here talks to User-Mode Linux. Files that it has open for writing are refused: both sides lock them. All types are for
 * one thread.
 */
@NullMarked
package dev.holdfast.agent.cow;

import org.jspecify.annotations.NullMarked;
