/** Raw files on file systems that let files share blocks: XFS, btrfs, OCFS2, NFS 4.2, and whichever else a trial finds able to. */
@NullMarked
package dev.holdfast.agent.storage.directory;

import org.jspecify.annotations.NullMarked;
