package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainStep;
import dev.holdfast.agent.snapshot.chain.ForeignChain;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The chain of a machine that somebody else has made, and what a crash in the middle of a snapshot leaves in it. */
class ForeignChainTest {
    private static final Name WEB = new Name("web");
    private static final Name CUT = new Name("cut");
    private static final List<String> LINKS = List.of("vda-000001.raw", "vdb-000001.raw");
    private static final String FIRST = "vda-000002-of-000001.raw";
    private static final String SECOND = "vdb-000002-of-000001.raw";

    @TempDir
    Path root;

    private VmDefinition definition;

    @BeforeEach
    void makeDisks() throws IOException {
        definition = definition("vda", "vdb");
    }

    private VmDefinition definition(String... disks) throws IOException {
        List<VmDefinition.Disk> named = new ArrayList<>();
        for (String disk : disks) {
            named.add(new VmDefinition.Disk(disk, Files.writeString(root.resolve(disk + ".img"), disk)));
        }
        return new VmDefinition(WEB, HypervisorKind.LIBVIRT, Optional.empty(), named);
    }

    private static ChainDirectory chain(VmDefinition definition) throws IOException {
        return ForeignChain.open(definition, new QemuImages("qemu-img"), InstantSource.system());
    }

    private static ChainExecutor executor(ChainDirectory chain) {
        return new ChainExecutor(
                chain,
                new QemuImages("qemu-img"),
                LiveDisks.NONE,
                InstantSource.system(),
                ChainExecutor.Removal.DELETE,
                Progress.NONE);
    }

    private List<String> names(String part) throws IOException {
        try (Stream<Path> files = Files.list(root.resolve("web.holdfast").resolve(part))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private VmSnapshots snapshots() throws Exception {
        Hypervisor hypervisor = Answers.of(Hypervisor.class, Map.of("ownsLayers", () -> true, "find", Optional::empty));
        VmSlot none = new VmSlot() {
            @Override
            public Optional<RunningVm> running() {
                return Optional.empty();
            }

            @Override
            public void became(Optional<RunningVm> process) {
                throw new UnsupportedOperationException("nothing is started");
            }
        };
        return VmSnapshots.open(definition, none, OneDisk.tools(hypervisor));
    }

    @Test
    void itIsMadeOnceBesideTheDisksWhichStayWhereTheyAre() throws Exception {
        assertThat(ForeignChain.isThere(definition)).isFalse();
        ChainDirectory made = chain(definition);
        assertThat(made.path()).isEqualTo(root.toRealPath().resolve("web.holdfast"));
        assertThat(names("layers")).isEqualTo(LINKS);
        assertThat(Files.readString(made.file(new Layer("vda", 1, ImageForm.RAW))))
                .isEqualTo("vda");
        assertThat(root.resolve("vda.img")).isRegularFile();
        assertThat(chain(definition).head()).isEqualTo(made.head());
        assertThat(ForeignChain.isLeft(definition)).isFalse();
        assertThat(made.wholeGraph().depth()).isEqualTo(1);
    }

    @Test
    void itIsNotTakenForThatOfOtherDisks() throws Exception {
        chain(definition);
        VmDefinition more = definition("vda", "vdb", "vdc");
        assertThatThrownBy(() -> chain(more))
                .isInstanceOf(ChainException.class)
                .hasMessageContaining("move the directory away");
        Files.delete(root.resolve("vdb.img"));
        assertThatThrownBy(() -> chain(definition)).hasMessageContaining("vdb.img is missing");
    }

    /** What a crash may leave of two clones. */
    private VmSnapshots left(List<String> files) throws Exception {
        ChainDirectory chain = chain(definition);
        TreeMap<String, Layer> copies = new TreeMap<>();
        chain.head().layers().forEach((disk, layer) -> copies.put(disk, layer.copy(2)));
        Intent intent = Intent.clone(
                "r1", CUT, chain.head(), new Generation(chain.head().number(), copies));
        executor(chain).writeIntent(intent);
        for (String file : files) {
            Files.writeString(chain.path().resolve("layers").resolve(file), "copy");
        }
        if (files.contains(SECOND)) {
            chain.writePending(record(intent));
        }
        assertThat(ForeignChain.isLeft(definition)).isTrue();
        return snapshots();
    }

    private static SnapshotRecord record(Intent intent) {
        return new SnapshotRecord(
                CUT,
                WEB,
                "r1",
                SnapshotRecord.Kind.DISKS,
                Instant.EPOCH,
                "",
                Optional.empty(),
                Optional.empty(),
                intent.captured().layers().values().stream()
                        .map(layer -> new SnapshotRecord.DiskPart(layer.disk(), layer.fileName(), ""))
                        .toList(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    @Test
    void whatACrashHasLeftOfASnapshotIsTakenBackWhereverItCame() throws Exception {
        for (List<String> files : List.of(
                List.<String>of(),
                List.of("." + FIRST + ".tmp"),
                List.of("." + FIRST + ".tmp", "." + SECOND + ".tmp"),
                List.of(FIRST, "." + SECOND + ".tmp"),
                List.of(FIRST, SECOND))) {
            VmSnapshots left = left(files);
            assertThat(left.recover(operation -> Fate.KEEP)).isEmpty();
            assertThat(ForeignChain.isLeft(definition)).isTrue();
            assertThat(left.recover(operation -> Fate.TAKE_BACK)).contains("r1");
            assertThat(names("layers")).as("after %s", files).isEqualTo(LINKS);
            assertThat(names("snapshots")).as("after %s", files).isEmpty();
            assertThat(ForeignChain.isLeft(definition)).isFalse();
        }
        assertThat(names("lost")).as("what was whole is kept").contains(FIRST, SECOND);
    }

    /** As after a snapshot that libvirt has made: what is below belongs to somebody else, and is not merged because nobody names it. */
    @Test
    void anOverlayThatTheDomainWritesStaysOneWhenASnapshotGoes() throws Exception {
        left(List.of(FIRST, SECOND)).recover(operation -> Fate.MAKE_TRUE);
        ChainDirectory chain = chain(definition);
        Layer base = new Layer("vda", 1, ImageForm.RAW);
        Layer top = new Layer("vda", 3, ImageForm.QCOW2);
        Path overlay = root.resolve("vda.overlay");
        new QemuImages("qemu-img").createOverlay(overlay, chain.file(base));
        Files.createSymbolicLink(chain.file(top), overlay);
        executor(chain)
                .run(List.of(
                        new ChainStep.MakeGeneration(chain.head().with(3, base, top)),
                        new ChainStep.MoveHead(3),
                        new ChainStep.FlushHead()));
        definition = new VmDefinition(
                WEB,
                HypervisorKind.LIBVIRT,
                Optional.empty(),
                List.of(new VmDefinition.Disk("vda", overlay), new VmDefinition.Disk("vdb", root.resolve("vdb.img"))));

        snapshots().delete("o1", CUT, Progress.NONE);

        assertThat(names("snapshots")).isEmpty();
        assertThat(names("layers")).containsExactly("vda-000001.raw", "vda-000003.qcow2", "vdb-000001.raw");
        assertThat(overlay).isRegularFile();
    }

    @Test
    void aDecidedSnapshotIsMadeTrueAndGoesWithItsCopies() throws Exception {
        VmSnapshots left = left(List.of(FIRST, SECOND));
        assertThat(left.recover(operation -> Fate.MAKE_TRUE)).contains("r1");
        assertThat(left.show(CUT).current()).isTrue();
        assertThat(left.look().problems()).isEmpty();
        Path layers = root.toRealPath().resolve("web.holdfast").resolve("layers");
        assertThatThrownBy(() -> left.reverts().prepare(CUT, Progress.NONE))
                .hasMessageContaining(
                        "end it, copy %s to %s, and %s to %s (cp --reflink=always), and start it",
                        layers.resolve(FIRST),
                        root.resolve("vda.img"),
                        layers.resolve(SECOND),
                        root.resolve("vdb.img"));
        left.delete("o1", CUT, Progress.NONE);
        assertThat(names("layers")).isEqualTo(LINKS);
        assertThat(root.resolve("vda.img")).hasContent("vda");
    }
}
