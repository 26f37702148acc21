package dev.holdfast.agent.storage;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What a storage does with images by itself. The caller sees to it that nobody writes what is copied. Thread-safe; each call says how long it may block. */
public interface ImageStore {
    /** Where an image lies; empty if this storage knows nothing of the place. Reads only (a trial file of 4 KiB apart); 5 s. */
    Optional<Site> site(Path image) throws StorageException;

    /** What a copy takes and what speaks against it now. Reads only (a trial file of 4 KiB apart); 5 s. */
    Outlook outlook(Site site, Copying how) throws StorageException;

    /** What speaks against a snapshot of what lies there, whether it is copied or not; nothing if this storage knows nothing of the place. Reads only; 5 s. */
    default Standing standing(Path image) throws StorageException {
        return Standing.GOOD;
    }

    /**
     * Copies what nobody writes, marked with the name, whole or not at all; durable on return. Again under the same name: does nothing. Minutes.
     *
     * @return the copy, which may have to be opened before it can be read
     */
    Path copy(Site site, Copying how, CopyName name, Progress progress) throws StorageException;

    /** Whether a copy or an original is there and good. Reads only; 5 s. */
    Health health(Path image) throws StorageException;

    /**
     * Lets this node open an image (activates a volume, exclusively in a shared group). Idempotent; 1 min.
     *
     * @return false if this storage knows nothing of it: it is not there
     * @throws StorageException REFUSED if what it held is lost, or it cannot be opened; otherwise nobody tells
     */
    boolean open(Path image) throws StorageException;

    /** The reverse, when no process has it open. Idempotent; 1 min. */
    void close(Path image) throws StorageException;

    /** Removes what {@link #copy} made, also half of it. What it did not make it never removes. Idempotent; 2 min. */
    void remove(CopyName name) throws StorageException;

    /** All whole copies of a machine that are here, named by a chain or not. Reads only; 5 s. */
    Set<CopyName> copies(Name vm) throws StorageException;

    /** How a storage copies. */
    enum Way {
        /** A file that shares its blocks with the original until either is written. Lives for itself. */
        CLONE,
        /** A thin volume that shares its blocks with the original. Lives for itself. */
        THIN,
        /** A volume that keeps what is overwritten in the original. Lives as long as its original, and is spoilt if it has no room left. */
        THICK
    }

    /**
     * A way with what it needs to know.
     *
     * @param percent of the image that can be overwritten before the copy is spoilt, 1 to 100; at 100 it never is. For {@link Way#THICK} alone
     */
    record Copying(Way way, int percent) {
        public Copying {
            if (percent < 1 || percent > 100) {
                throw new IllegalArgumentException(percent + " % of an image cannot be kept; use 1 to 100");
            }
        }
    }

    /**
     * What a copy is marked with, for ever.
     *
     * @param layer disk, number and the number of what it is a copy of: {@code d0-000004-of-000001}
     */
    record CopyName(Name vm, String layer) {
        private static final Pattern LAYER =
                Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}-[0-9]{6,9}-of-[0-9]{6,9}");

        /** @throws IllegalArgumentException if no copy is called so */
        public CopyName {
            if (!isLayer(layer)) {
                throw new IllegalArgumentException("no copy can be called \"" + layer + "\"");
            }
        }

        /** Whether a copy can be called so. */
        public static boolean isLayer(String text) {
            return LAYER.matcher(text).matches();
        }

        @Override
        public String toString() {
            return vm + "/" + layer;
        }
    }

    /**
     * Where an image lies.
     *
     * @param image as it was asked for
     * @param best the way that suits it; empty if the storage cannot copy it, and the words say why
     * @param words for the user: what it is
     * @param bytes of the image
     * @param exchangeable whether another image may become the home of the disk
     * @param shared whether every node that may run the machine sees the copies
     */
    record Site(Path image, Optional<Way> best, String words, long bytes, boolean exchangeable, boolean shared) {}

    /**
     * What a copy would be like now.
     *
     * @param bytes that it takes at once
     * @param room of which it takes them
     * @param obstacles why it would not succeed, each with what to do; empty if nothing speaks against it
     * @param degraded what is not as it should be, and does not keep a copy from being made
     */
    record Outlook(long bytes, Room room, List<String> obstacles, List<String> degraded) {
        public Outlook {
            obstacles = List.copyOf(obstacles);
            degraded = List.copyOf(degraded);
        }

        /**
         * What copies are made of. The needs of several disks are added up for each.
         *
         * @param of for the user, and the same for whatever shares it: "volume group vg0"
         * @param bytes that are free
         */
        public record Room(String of, long bytes) {}
    }

    /**
     * Whether an image is what its disk is, as far as its storage tells.
     *
     * @param obstacles why it is not on this node, or not on this node alone, each with what to do
     * @param degraded what is not as it should be, although all of it is here
     */
    record Standing(List<String> obstacles, List<String> degraded) {
        /** Nothing speaks against it. */
        public static final Standing GOOD = new Standing(List.of(), List.of());

        public Standing {
            obstacles = List.copyOf(obstacles);
            degraded = List.copyOf(degraded);
        }
    }

    /**
     * How an image is.
     *
     * @param words for the user
     */
    record Health(State state, String words) {
        /** Whether nobody can read it any more, not even once it is opened. */
        public boolean isLost() {
            return state == State.ABSENT || state == State.SPOILT;
        }

        /** What can be done with it. */
        public enum State {
            /** It is there and can be read. */
            GOOD,
            /** It is there, and has to be opened first. */
            CLOSED,
            /** It is not there. */
            ABSENT,
            /** What it held is lost. */
            SPOILT
        }
    }
}
