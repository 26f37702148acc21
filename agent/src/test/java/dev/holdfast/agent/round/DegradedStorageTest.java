package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.FileVolumes;
import dev.holdfast.agent.storage.ImageStore.Standing;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A round with a machine whose disk is whole on its node alone. The machine is stopped. */
class DegradedStorageTest {
    private static final String WHY = "DRBD resource r0: n2 is Connecting";

    @TempDir
    private Path temporary;

    private NodeParts parts;

    @BeforeEach
    void importADevice() throws Exception {
        Path group = Files.createDirectory(temporary.toRealPath().resolve("vg0"));
        Path chain = group.resolveSibling("web.holdfast");
        Path volume = Files.write(group.resolve("web"), new byte[1 << 20]);
        Path link = Files.createSymbolicLink(group.resolveSibling("d0.dev"), volume);
        new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .importDisks(chain, new TreeMap<>(Map.of("d0", link)));
        FileVolumes store = new FileVolumes(group, Way.THIN);
        store.replicated = "web";
        store.standing = new Standing(List.of(), List.of(WHY));
        VmDefinition definition =
                OneDisk.definition(Rounds.WEB, new VmDefinition.Disk("d0", chain.resolve("head/d0"), Keep.AUTO, 100));
        Hypervisor hypervisor = Answers.of(Hypervisor.class, Map.of("ownsLayers", () -> true, "find", Optional::empty));
        parts = new NodeParts(
                Rounds.SELF,
                OneDisk.machines(definition, hypervisor),
                new VmClaims(),
                OneDisk.tools(hypervisor, store),
                vm -> false,
                () -> "1");
    }

    private static RoundSpec round(boolean allowDegraded) {
        RoundSpec spec = Rounds.spec("r1", RoundKind.CHECKPOINT);
        RoundOptions options = spec.options();
        return new RoundSpec(
                spec.id(),
                spec.kind(),
                spec.epoch(),
                spec.group(),
                spec.checkpoint(),
                spec.parent(),
                new Members(new TreeMap<>(Map.of(Rounds.SELF, new TreeSet<>(Set.of(Rounds.WEB))))),
                new RoundOptions(
                                options.deadline(),
                                options.prepareTimeout(),
                                options.drainTimeout(),
                                options.maxPause(),
                                RoundOptions.CaptureMethod.DISK_ONLY,
                                options.quiesce(),
                                false,
                                "")
                        .withDegraded(allowDegraded));
    }

    private List<String> foreseen(boolean allowDegraded) {
        return new NodeMembers(parts)
                .preflight(
                        RoundKind.CHECKPOINT,
                        Rounds.WEB,
                        new Name("c1"),
                        round(allowDegraded).options())
                .problems();
    }

    @Test
    void isForeseenAndRefusedUnlessTheRoundAllowsIt() throws Exception {
        assertThat(foreseen(false)).singleElement().asString().contains(WHY, "--allow-degraded");
        assertThat(foreseen(true)).isEmpty();
        assertThatThrownBy(() -> parts.part(round(false), Rounds.WEB).prepare())
                .isInstanceOf(PhaseException.class)
                .hasMessageContaining(WHY);
        parts.part(round(true), Rounds.WEB).prepare();
    }
}
