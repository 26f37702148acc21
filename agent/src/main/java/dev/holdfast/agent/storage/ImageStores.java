package dev.holdfast.agent.storage;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** All storages of this node as one: the first that knows a place answers. Thread-safe. */
public final class ImageStores implements ImageStore {
    private final List<ImageStore> stores;

    /** @param stores each is asked when those before it know nothing of a place */
    public ImageStores(List<ImageStore> stores) {
        this.stores = List.copyOf(stores);
    }

    @Override
    public Optional<Site> site(Path image) throws StorageException {
        for (ImageStore store : stores) {
            Optional<Site> site = store.site(image);
            if (site.isPresent()) {
                return site;
            }
        }
        return Optional.empty();
    }

    private Optional<ImageStore> of(Path image) throws StorageException {
        for (ImageStore store : stores) {
            if (store.health(image).state() != Health.State.ABSENT) {
                return Optional.of(store);
            }
        }
        return Optional.empty();
    }

    private ImageStore knowing(Path image) throws StorageException {
        return of(image)
                .orElseThrow(
                        () -> new StorageException(
                                Kind.REFUSED,
                                image
                                        + " is not there, or on a storage of which Holdfast knows nothing; see \"holdfast fsck\""));
    }

    @Override
    public Outlook outlook(Site site, Copying how) throws StorageException {
        return knowing(site.image()).outlook(site, how);
    }

    /** What all of them say: who knows nothing of a place says nothing. */
    @Override
    public Standing standing(Path image) throws StorageException {
        List<String> obstacles = new ArrayList<>();
        List<String> degraded = new ArrayList<>();
        for (ImageStore store : stores) {
            Standing standing = store.standing(image);
            obstacles.addAll(standing.obstacles());
            degraded.addAll(standing.degraded());
        }
        return new Standing(obstacles, degraded);
    }

    @Override
    public Path copy(Site site, Copying how, CopyName name, Progress progress) throws StorageException {
        return knowing(site.image()).copy(site, how, name, progress);
    }

    @Override
    public Health health(Path image) throws StorageException {
        Optional<ImageStore> store = of(image);
        return store.isPresent()
                ? store.get().health(image)
                : new Health(Health.State.ABSENT, image + " is on no storage of this node");
    }

    @Override
    public boolean open(Path image) throws StorageException {
        for (ImageStore store : stores) {
            if (store.open(image)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close(Path image) throws StorageException {
        Optional<ImageStore> store = of(image);
        if (store.isPresent()) {
            store.get().close(image);
        }
    }

    @Override
    public void remove(CopyName name) throws StorageException {
        for (ImageStore store : stores) {
            boolean whole = store.copies(name.vm()).contains(name);
            store.remove(name);
            if (whole) {
                // There is one of each name, and a storage that has none of it may hang.
                return;
            }
        }
    }

    @Override
    public Set<CopyName> copies(Name vm) throws StorageException {
        Set<CopyName> copies = new HashSet<>();
        for (ImageStore store : stores) {
            copies.addAll(store.copies(vm));
        }
        return copies;
    }
}
