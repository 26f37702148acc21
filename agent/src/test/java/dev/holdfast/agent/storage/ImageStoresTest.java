package dev.holdfast.agent.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ImageStoresTest {
    private static final CopyName NAME = new CopyName(new Name("web"), "d0-000004-of-000001");
    private static final Copying HOW = new Copying(Way.CLONE, 100);

    private final List<String> asked = new ArrayList<>();
    private final ImageStore stores = new ImageStores(List.of(
            new NotingStore("/one", asked), new NotingStore("/one/two", asked), new NotingStore("/two", asked)));

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
        assertThat(asked).containsExactly("/one copies /one/two/d0", "/two opens", "/one closes");
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
    void nobodyElseIsAskedToRemoveACopyThatIsFound() throws Exception {
        stores.remove(new CopyName(NAME.vm(), "two-000002-of-000001"));
        assertThat(asked).as("the last one would have it, too").containsExactly("/one removes", "/one/two removes");
    }

    @Test
    void whatNobodyKnowsIsAbsent() throws Exception {
        Path nowhere = Path.of("/three/d0");
        assertThat(stores.site(nowhere)).isEmpty();
        assertThat(stores.health(nowhere).state()).isEqualTo(Health.State.ABSENT);
        stores.close(nowhere);
        assertThat(stores.open(nowhere)).isFalse();
        assertThat(asked).isEmpty();
        Site site = new Site(nowhere, Optional.of(Way.CLONE), "", 1, true, true);
        assertThatThrownBy(() -> stores.outlook(site, HOW))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(StorageException.Kind.REFUSED))
                .hasMessageContaining("/three/d0 is not there");
    }
}
