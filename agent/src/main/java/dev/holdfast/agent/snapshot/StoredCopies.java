package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerCopies;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The layers of one chain in the words of their storage: raw files that it clones. One thread.
 *
 * @param chain where they are
 * @param vm whose they are
 * @param store of this node
 */
record StoredCopies(ChainDirectory chain, Name vm, ImageStore store) implements LayerCopies {
    private static final Logger LOG = LoggerFactory.getLogger(StoredCopies.class);
    private static final Copying CLONE = new Copying(Way.CLONE, 100);

    @Override
    public boolean keeps(Layer root) {
        try {
            Optional<Site> site = clonable(root);
            if (site.isEmpty()) {
                return false;
            }
            Outlook outlook = store.outlook(site.get(), CLONE);
            return outlook.obstacles().isEmpty()
                    && outlook.bytes() <= outlook.room().bytes();
        } catch (StorageException e) {
            // The snapshot stays on its layer, which is as good.
            LOG.warn("{}: layers/{} is not copied: {}", vm, root, e.getMessage());
            return false;
        }
    }

    private Optional<Site> clonable(Layer root) throws StorageException {
        return root.form() == ImageForm.RAW
                ? store.site(chain.file(root)).filter(site -> site.best().equals(Optional.of(Way.CLONE)))
                : Optional.empty();
    }

    @Override
    public void copy(Layer root, Layer copy) throws IOException {
        try {
            Site site = clonable(root)
                    .orElseThrow(() -> new ChainException(
                            "the storage of %s does not clone it any more".formatted(chain.file(root))));
            store.copy(site, CLONE, name(copy), Progress.NONE);
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void remove(Layer copy) throws IOException {
        try {
            store.remove(name(copy));
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    private CopyName name(Layer copy) {
        return new CopyName(vm, copy.name());
    }
}
