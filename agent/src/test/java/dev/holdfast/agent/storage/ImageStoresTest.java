package dev.holdfast.agent.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ImageStoresTest {
    private static final CopyName NAME = new CopyName(new Name("web"), "d0-000004-of-000001");
    private static final Copying HOW = new Copying(Way.CLONE, 100);

    private final List<String> asked = new ArrayList<>();
    private final ImageStore stores =
            new ImageStores(List.of(new Below("/one"), new Below("/one/two"), new Below("/two")));

    /** Knows what lies below a directory, and notes what it is asked. */
    private final class Below implements ImageStore {
        private final Path directory;

        Below(String directory) {
            this.directory = Path.of(directory);
        }

        private void note(String what) {
            asked.add(directory + " " + what);
        }

        @Override
        public Optional<Site> site(Path image) {
            Site site = new Site(image, Optional.of(Way.CLONE), directory.toString(), 1, true, true);
            return image.startsWith(directory) ? Optional.of(site) : Optional.empty();
        }

        @Override
        public Outlook outlook(Site site, Copying how) {
            return new Outlook(0, new Outlook.Room(directory.toString(), 1), List.of(), List.of());
        }

        @Override
        public Path copy(Site site, Copying how, CopyName name, Progress progress) {
            return directory.resolve(name.layer());
        }

        @Override
        public Health health(Path image) {
            boolean here = image.startsWith(directory);
            return new Health(here ? Health.State.CLOSED : Health.State.ABSENT, directory.toString());
        }

        @Override
        public void open(Path image) {
            note("opens");
        }

        @Override
        public void close(Path image) {
            note("closes");
        }

        @Override
        public void remove(CopyName name) {
            note("removes");
        }

        @Override
        public Set<CopyName> copies(Name vm) {
            return Set.of(new CopyName(vm, directory.getFileName() + "-000002-of-000001"));
        }
    }

    @Test
    void theFirstThatKnowsAPlaceAnswers() throws Exception {
        Path image = Path.of("/one/two/d0");
        Site site = stores.site(image).orElseThrow();
        assertThat(site.words()).isEqualTo("/one");
        assertThat(stores.outlook(site, HOW).room().of()).isEqualTo("/one");
        assertThat(stores.copy(site, HOW, NAME, Progress.NONE)).isEqualTo(Path.of("/one", NAME.layer()));
        assertThat(stores.health(Path.of("/two/d0")).words()).isEqualTo("/two");
        stores.open(Path.of("/two/d0"));
        stores.close(image);
        assertThat(asked).containsExactly("/two opens", "/one closes");
    }

    @Test
    void aCopyIsLookedForAndRemovedWhereverItIs() throws Exception {
        stores.remove(NAME);
        assertThat(asked).containsExactly("/one removes", "/one/two removes", "/two removes");
        assertThat(stores.copies(NAME.vm()))
                .extracting(CopyName::layer)
                .containsExactlyInAnyOrder("one-000002-of-000001", "two-000002-of-000001");
    }

    @Test
    void whatNobodyKnowsIsAbsent() throws Exception {
        Path nowhere = Path.of("/three/d0");
        assertThat(stores.site(nowhere)).isEmpty();
        assertThat(stores.health(nowhere).state()).isEqualTo(Health.State.ABSENT);
        stores.close(nowhere);
        assertThat(asked).isEmpty();
        assertThatThrownBy(() -> stores.open(nowhere))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(StorageException.Kind.REFUSED))
                .hasMessageContaining("/three/d0 is not there");
    }
}
