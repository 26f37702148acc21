package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One step of a change of a chain. Each is atomic as far as a crash can tell, or harmless when half done, and doing it again
 * changes nothing. The order of the steps is the safety of the change.
 */
public sealed interface ChainStep {

    /** Has the step done. */
    void run(Executor on) throws IOException;

    /** Does the steps: to real files and machines, or to a model of them. */
    interface Executor {
        /** Writes the intent; durable on return. */
        void writeIntent(Intent intent) throws IOException;

        /** Removes the intent; durable on return. */
        void clearIntent() throws IOException;

        /** Makes an empty overlay. Its content is durable on return, its directory entry is not. */
        void createLayer(Layer layer, Layer backing) throws IOException;

        /** Makes the entries of {@code layers/} durable. */
        void flushLayers() throws IOException;

        /** Makes the directory with its links; durable on return. */
        void makeGeneration(Generation generation) throws IOException;

        /** Renames the head over the old one. Atomic, not durable on return. */
        void moveHead(int generation) throws IOException;

        /** Makes the head durable. */
        void flushHead() throws IOException;

        /** The running machine writes all its disks to the new layers from now on, all at once. */
        void cut(Generation to) throws IOException;

        /** Copies what one layer holds into the one below it and links what stands on it in the live chain to that one. */
        void merge(Layer top, Layer base) throws IOException;

        /** Makes a layer stand on another one that reads the same; durable on return. */
        void relink(Layer layer, Layer backing) throws IOException;

        /** Renames the pending sidecar to its name; durable on return. */
        void publish(Name snapshot) throws IOException;

        /** Names a head that is left behind; durable on return. */
        void nameBranch(Name branch, Name revertedTo, Generation layers) throws IOException;

        /** Has a snapshot name another layer that reads the same; durable on return. */
        void repoint(Name snapshot, Layer from, Layer to) throws IOException;

        /** Removes a sidecar, then its memory; the first is durable before the second begins. */
        void removeSnapshot(Name snapshot) throws IOException;

        /** Removes the memory and the pending sidecar of a snapshot that never came about. */
        void discardParts(Name snapshot) throws IOException;

        /** Takes a layer away that nothing stands on and nothing names. */
        void discard(Layer layer) throws IOException;

        /** Has layers copied that nobody writes: each whole or not at all; their content is durable on return. */
        void copyLayers(SortedMap<Layer, Layer> copies) throws IOException;

        /** Whoever counts what was written since a copy counts from the base from now on, which holds what the copy did. */
        void countFrom(Layer base, Layer copy) throws IOException;

        /** Removes what is left of a copy that has not become whole. */
        void removeHalf(Layer copy) throws IOException;

        /** The running machine copies what it has written into these images, and from then on what it writes. */
        void follow(Collection<Layer> homes) throws IOException;

        /** Stops the guest, with somebody who lets it run again if we do not. */
        void holdStill() throws IOException;

        /** Takes the head away, so that nothing can start. Atomic, not durable on return. */
        void setHeadAside() throws IOException;

        /** The running machine writes the image from now on. All that the layer above held is in it; durable on return. */
        void pivot(Layer home) throws IOException;

        /** Lets the guest run that was stopped, and has its process close what it does not use any more. */
        void letRun() throws IOException;

        /** Forgets the head that was set aside; there is another one. */
        void dropAside() throws IOException;
    }

    /** See {@link Executor#writeIntent}. */
    record WriteIntent(Intent intent) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.writeIntent(intent);
        }
    }

    /** See {@link Executor#clearIntent}. */
    record ClearIntent() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.clearIntent();
        }
    }

    /** See {@link Executor#createLayer}. */
    record CreateLayer(Layer layer, Layer backing) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.createLayer(layer, backing);
        }
    }

    /** See {@link Executor#flushLayers}. */
    record FlushLayers() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.flushLayers();
        }
    }

    /** See {@link Executor#makeGeneration}. */
    record MakeGeneration(Generation generation) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.makeGeneration(generation);
        }
    }

    /** See {@link Executor#moveHead}. */
    record MoveHead(int generation) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.moveHead(generation);
        }
    }

    /** See {@link Executor#flushHead}. */
    record FlushHead() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.flushHead();
        }
    }

    /** See {@link Executor#cut}. */
    record Cut(Generation to) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.cut(to);
        }
    }

    /** See {@link Executor#merge}. */
    record Merge(Layer top, Layer base) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.merge(top, base);
        }
    }

    /** See {@link Executor#relink}. */
    record Relink(Layer layer, Layer backing) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.relink(layer, backing);
        }
    }

    /** See {@link Executor#publish}. */
    record Publish(Name snapshot) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.publish(snapshot);
        }
    }

    /** See {@link Executor#nameBranch}. */
    record NameBranch(Name branch, Name revertedTo, Generation layers) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.nameBranch(branch, revertedTo, layers);
        }
    }

    /** See {@link Executor#repoint}. */
    record Repoint(Name snapshot, Layer from, Layer to) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.repoint(snapshot, from, to);
        }
    }

    /** See {@link Executor#removeSnapshot}. */
    record RemoveSnapshot(Name snapshot) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.removeSnapshot(snapshot);
        }
    }

    /** See {@link Executor#discardParts}. */
    record DiscardParts(Name snapshot) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.discardParts(snapshot);
        }
    }

    /** See {@link Executor#discard}. */
    record Discard(Layer layer) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.discard(layer);
        }
    }

    /** See {@link Executor#copyLayers}. */
    record CopyLayers(SortedMap<Layer, Layer> copies) implements ChainStep {
        /** Copies the map. */
        public CopyLayers {
            copies = Collections.unmodifiableSortedMap(new TreeMap<>(copies));
        }

        @Override
        public void run(Executor on) throws IOException {
            on.copyLayers(copies);
        }
    }

    /** See {@link Executor#countFrom}. */
    record CountFrom(Layer base, Layer copy) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.countFrom(base, copy);
        }
    }

    /** See {@link Executor#removeHalf}. */
    record RemoveHalf(Layer copy) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.removeHalf(copy);
        }
    }

    /** See {@link Executor#follow}. */
    record Follow(List<Layer> homes) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.follow(homes);
        }
    }

    /** See {@link Executor#holdStill}. */
    record HoldStill() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.holdStill();
        }
    }

    /** See {@link Executor#setHeadAside}. */
    record SetHeadAside() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.setHeadAside();
        }
    }

    /** See {@link Executor#pivot}. */
    record Pivot(Layer home) implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.pivot(home);
        }
    }

    /** See {@link Executor#letRun}. */
    record LetRun() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.letRun();
        }
    }

    /** See {@link Executor#dropAside}. */
    record DropAside() implements ChainStep {
        @Override
        public void run(Executor on) throws IOException {
            on.dropAside();
        }
    }
}
