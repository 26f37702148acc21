package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.image.KeyFiles;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory that a real QEMU writes and reads by way of the agent, which encrypts it. */
@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuEncryptedMemoryTest {
    private static final long SOME_MEMORY = 20 << 20;

    private Lab lab;
    private MemoryKeys keys;
    private VmDefinition definition;
    private RunningVm vm;
    private Path memory;
    private Map<String, Path> captured;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab();
        keys = KeyFiles.keys(lab.root.resolve("memory.key"), 1);
        definition = lab.definition("web");
        lab.start(definition, StartMode.NORMAL).close();
        vm = lab.hypervisorWith(keys).find(definition).orElseThrow();
        lab.adopt(vm);
        lab.awaitTicks("web", 5);
        captured = Lab.active(vm);
        memory = lab.root.resolve("memory");
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    /** QEMU before 9.0 forgets writes of emulated guests while they run. */
    private CaptureMethod automatic() {
        return vm.hypervisor().matches("QEMU [78][.].*") ? CaptureMethod.STOP : CaptureMethod.LIVE;
    }

    private MemoryFacts capture(CaptureMethod method) throws Exception {
        try (Capture capture = vm.newCapture(lab.plan(vm, method, "memory"))) {
            Lab.throughFreeze(capture);
            capture.capture();
            assertThat(capture.proveAndThaw().stoodStill()).isTrue();
            return capture.drain(Progress.NONE);
        }
    }

    private RunningVm load(MemoryKeys with) throws Exception {
        VmDefinition old = Lab.definition("old", 64, lab.overlays(captured));
        RunningVm loaded = lab.hypervisorWith(with).start(old, StartMode.restore(memory));
        lab.adopt(loaded);
        return loaded;
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "LIVE", "STOP"})
    void anEncryptedImageIsLoadedByAnotherAgentThatHasTheKey(CaptureMethod method) throws Exception {
        MemoryFacts facts = capture(method);
        assertThat(facts.method()).isEqualTo(method == CaptureMethod.AUTO ? automatic() : method);
        assertThat(facts.bytes()).isEqualTo(Files.size(memory));
        assertThat(lab.hypervisor.images().isEncrypted(memory)).isTrue();
        // What the oracle says on its console is in its memory, as text.
        assertThat(Files.readString(memory, StandardCharsets.ISO_8859_1)).doesNotContain("START", "QEVM");
        lab.awaitTicks("web", 20);
        RunningVm loaded = load(MemoryKeys.read(
                Optional.of(KeyFiles.write(lab.root.resolve("newer.key"), 2)),
                List.of(lab.root.resolve("memory.key"))));
        assertThat(loaded.status()).isEqualTo(VmStatus.PAUSED);
        loaded.resume();
        lab.awaitTicks("old", 20);
        assertThat(lab.console("old")).doesNotContain("START");
    }

    @Test
    void whatWasWrittenWithoutAKeyIsStillRead() throws Exception {
        vm.close();
        vm = lab.hypervisor.find(definition).orElseThrow();
        lab.adopt(vm);
        capture(CaptureMethod.STOP);
        assertThat(lab.hypervisor.images().isEncrypted(memory)).isFalse();
        load(keys).resume();
        lab.awaitTicks("old", 20);
    }

    @Test
    void itIsNotLoadedWithoutTheKeyNorWithAnother() throws Exception {
        capture(CaptureMethod.STOP);
        for (MemoryKeys wrong : new MemoryKeys[] {MemoryKeys.NONE, KeyFiles.keys(lab.root.resolve("other.key"), 2)}) {
            assertThatThrownBy(() -> load(wrong))
                    .isInstanceOf(HypervisorException.class)
                    .hasMessageContaining("does not load")
                    .hasMessageContaining(memory + " is encrypted with key");
        }
        assertThat(lab.hypervisor.find(Lab.definition("old", 64, captured))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.0, 0.5, 1.0})
    void damageIsSaidInsteadOfQemusWords(double where) throws Exception {
        capture(CaptureMethod.STOP);
        try (RandomAccessFile file = new RandomAccessFile(memory.toFile(), "rw")) {
            long at = 100 + (long) ((file.length() - 101) * where);
            file.seek(at);
            int was = file.read();
            file.seek(at);
            file.write(was ^ 1);
        }
        assertThatThrownBy(() -> load(keys))
                .hasMessageContaining("does not load")
                .hasMessageContaining(memory + " is damaged: record")
                .hasMessageNotContaining("error while loading");
        assertThat(lab.hypervisor.find(Lab.definition("old", 64, captured))).isEmpty();
    }

    @Test
    void theMethodBackgroundIsRefusedWithTheReasonAndTheGuestRunsOn() throws Exception {
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.BACKGROUND, "memory"))) {
            assertThatThrownBy(capture::prepare)
                    .hasMessageContaining("memory_key_file")
                    .hasMessageContaining("use the method live, or auto");
            capture.abandon();
        }
        assertThat(memory).doesNotExist();
        lab.awaitTicks("web", 5);
    }

    /** Whether it is given up before, in or after the standstill: no file is left, the guest runs, the next capture succeeds. */
    @ParameterizedTest
    @EnumSource(names = {"LIVE", "STOP"})
    void aCaptureThatIsGivenUpLeavesNothing(CaptureMethod method) throws Exception {
        for (int steps = 1; steps <= 5; steps++) {
            try (Capture capture = vm.newCapture(lab.plan(vm, method, "memory"))) {
                QemuCaptureTest.go(capture, steps);
                capture.abandon();
            }
            assertThat(memory).as("after step %d", steps).doesNotExist();
            assertThat(vm.status()).as("after step %d", steps).isEqualTo(VmStatus.RUNNING);
            lab.awaitTicks("web", 3);
        }
        captured = Lab.active(vm);
        capture(method);
        load(keys).resume();
        lab.awaitTicks("old", 5);
    }

    /** In the middle of a standstill in which all memory is written. Whoever comes next, mostly the guard, lets the guest run. */
    @Test
    void anAgentThatIsKilledWhileItWritesLeavesAGuestThatRuns() throws Exception {
        VmDefinition large = lab.fullOfChance("web");
        vm.quit();
        vm.close();
        lab.start(large, StartMode.NORMAL).close();
        lab.awaitTicks("web", 5);
        Map<String, Path> disks = new TreeMap<>();
        large.disks().forEach(disk -> disks.put(disk.id(), disk.path()));
        Map<String, Path> overlays = lab.overlays(disks);
        Process agent = EncryptingAgentMain.start(lab, memory, lab.root.resolve("memory.key"), overlays);
        try {
            await().atMost(Duration.ofSeconds(60))
                    .pollInSameThread()
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> !agent.isAlive() || Files.exists(memory) && Files.size(memory) > SOME_MEMORY);
            assertThat(agent.isAlive())
                    .as(Files.readString(lab.root.resolve("agent.log")))
                    .isTrue();
        } finally {
            agent.destroyForcibly().waitFor();
        }
        assertThat(Files.size(memory))
                .as("bytes that it had written")
                .isLessThan(large.ownHardware().memoryBytes() / 2);
        RunningVm left = lab.hypervisorWith(keys).find(large).orElseThrow();
        lab.adopt(left);
        left.thaw(Duration.ofSeconds(30));
        assertThat(left.status()).isEqualTo(VmStatus.RUNNING);
        lab.awaitTicks("web", 20);
        assertThat(lab.hypervisorWith(keys).images().damage(memory, Progress.NONE))
                .isPresent();
        Files.delete(memory);
        vm = left;
        // A standstill of so much would be too long for a busy machine's tests.
        capture(CaptureMethod.LIVE);
        assertThat(lab.hypervisorWith(keys).images().damage(memory, Progress.NONE))
                .isEmpty();
    }
}
