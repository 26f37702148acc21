package dev.holdfast.agent.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the path of a disk in a definition leads to. */
class ImageLinkTest {
    @TempDir
    private Path root;

    private Path chain;

    @BeforeEach
    void makeDirectories() throws IOException {
        chain = root.toRealPath().resolve("web.holdfast");
        for (String directory : List.of("layers", "generations/000001")) {
            Files.createDirectories(chain.resolve(directory));
        }
        Files.createSymbolicLink(chain.resolve("head"), Path.of("generations/000001"));
    }

    private Path layer(String name) throws IOException {
        return Files.createFile(chain.resolve("layers").resolve(name));
    }

    private void link(String name, String layer) throws IOException {
        Files.createSymbolicLink(chain.resolve("generations/000001").resolve(name), Path.of("../../layers", layer));
    }

    private Path head(String name) {
        return chain.resolve("head").resolve(name);
    }

    @Test
    void aPathWithoutAFormLeadsToWhateverTheHeadHasOfThatDisk() throws IOException {
        Path qcow2 = layer("d0-000001.qcow2");
        Path raw = layer("d1-000001.raw");
        link("d0.qcow2", "d0-000001.qcow2");
        link("d1.raw", "d1-000001.raw");
        assertThat(ImageLink.follow(head("d0"))).isEqualTo(qcow2);
        assertThat(ImageLink.follow(head("d0.qcow2"))).isEqualTo(qcow2);
        assertThat(ImageLink.follow(head("d1"))).isEqualTo(raw);
        assertThat(ImageLink.follow(raw)).isEqualTo(raw);
    }

    /** Whatever reads a fixed format finds its file or none. */
    @Test
    void aPathWithAFormNeverLeadsToAnother() throws IOException {
        layer("d0-000001.raw");
        link("d0.raw", "d0-000001.raw");
        assertThatThrownBy(() -> ImageLink.follow(head("d0.qcow2"))).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> ImageLink.follow(head("d9")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("head/d9");
    }

    @Test
    void thePathOfADiskThatHasTwoFormsAtOnceLeadsNowhere() throws IOException {
        for (String form : List.of("qcow2", "raw")) {
            layer("d0-000001." + form);
            link("d0." + form, "d0-000001." + form);
        }
        assertThatThrownBy(() -> ImageLink.follow(head("d0"))).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aBlockDeviceIsOpenedByTheNameOfItsLayerAlsoIfThatLeadsThroughOtherLinks() throws IOException {
        Path volume = Files.createSymbolicLink(root.resolve("volume"), Files.createFile(root.resolve("dm-3")));
        Path layer = Files.createSymbolicLink(chain.resolve("layers/d0-000001.dev"), volume.toAbsolutePath());
        link("d0.dev", "d0-000001.dev");
        assertThat(ImageLink.follow(head("d0"))).isEqualTo(layer);
        assertThat(ImageLink.follow(layer)).isEqualTo(layer);
        Files.delete(volume);
        assertThatThrownBy(() -> ImageLink.follow(head("d0"))).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void theFormIsWhatTheNameSaysAndQcow2IfItSaysNone() {
        assertThat(ImageForm.of(Path.of("/x/d0-000001.raw"))).isEqualTo(ImageForm.RAW);
        assertThat(ImageForm.of(Path.of("/x/d0-000001.dev"))).isEqualTo(ImageForm.DEVICE);
        assertThat(ImageForm.of(Path.of("/x/disk.img"))).isEqualTo(ImageForm.QCOW2);
        assertThat(ImageForm.saidBy(Path.of("/x/raw"))).isEmpty();
    }
}
