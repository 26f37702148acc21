package dev.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class CatalogueOfImagesTest {
    private static final Name WEB = new Name("web");
    private static final Name SHOP = new Name("shop");
    private static final Name ONE = new Name("one");
    private static final ImageKeys KEY =
            new ImageKeys(Optional.of(new Name("k1")), new TreeSet<>(List.of(new Name("k1"))));

    private boolean encrypted;
    private boolean silent;

    private boolean wasEncrypted(Name vm, ImageKeys keys) throws IOException {
        Catalogue catalogue =
                Answers.of(Catalogue.class, Map.of("groups", this::groups, "checkpoint", this::checkpoint));
        return new CatalogueOfImages(catalogue, keys).wasEncrypted(vm, ONE);
    }

    private List<Catalogue.Group> groups() throws StoreUnreachableException {
        if (silent) {
            throw new StoreUnreachableException("nobody answers");
        }
        return List.of(new Catalogue.Group(SHOP, new TreeSet<>(), Optional.empty()));
    }

    private Optional<CheckpointRecord> checkpoint() {
        List<Part> parts = List.of(
                new Part("disk:d0", "/srv/web/d0", 1, ""),
                new Part("memory", "/srv/web/one.memory", 1, "0", encrypted));
        VmReport report = new VmReport(WEB, 1, 2, 3, 2, CaptureMethod.STOP, "no", "QEMU", parts);
        return Optional.of(new CheckpointRecord(
                SHOP,
                ONE,
                new RoundId("r1"),
                new Epoch(1),
                Optional.empty(),
                "",
                CheckpointRecord.State.COMPLETE,
                List.of(new MemberReport(new Name("n1"), 0, "0.1.0", List.of(report)))));
    }

    @Test
    void tellsOfTheImageOfAMachineAlsoIfThatIsInNoGroupAnyMore() throws Exception {
        assertThat(wasEncrypted(WEB, KEY)).isFalse();
        encrypted = true;
        assertThat(wasEncrypted(WEB, KEY)).isTrue();
        assertThat(wasEncrypted(new Name("db"), KEY)).isFalse();
    }

    @Test
    void doesNotGuessWhileTheStoreIsSilent() {
        silent = true;
        assertThatThrownBy(() -> wasEncrypted(WEB, KEY))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("nobody answers")
                .hasMessageContaining("try again");
    }

    @Test
    void withoutKeysTheStoreIsNotNeeded() throws Exception {
        silent = true;
        assertThat(wasEncrypted(WEB, ImageKeys.NONE)).isFalse();
    }
}
