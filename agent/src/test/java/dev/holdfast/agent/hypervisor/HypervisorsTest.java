package dev.holdfast.agent.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Two drivers, which write down what they are asked, and one that never has anything, as one. */
class HypervisorsTest {
    private static final Name WEB = new Name("web");
    private static final VmDefinition UNDER_QEMU = OneDisk.definition(WEB);
    private static final VmDefinition UNDER_UML = OneDisk.definition(WEB, HypervisorKind.UML);

    private static final Hypervisor NONE = Answers.of(
            Hypervisor.class,
            Map.of("find", Optional::empty, "mayRun", () -> false, "running", Set::of, "kill", () -> ""));

    private final List<String> log = new ArrayList<>();
    private final Driver qemu = new Driver(HypervisorKind.QEMU);
    private final Driver uml = new Driver(HypervisorKind.UML);
    private final Hypervisors both = new Hypervisors(Map.of(
            HypervisorKind.QEMU,
            qemu.port,
            HypervisorKind.UML,
            uml.port,
            HypervisorKind.LIBVIRT,
            NONE,
            HypervisorKind.XEN,
            NONE));

    /** Has the machine or not. */
    private final class Driver {
        private final HypervisorKind kind;
        private final RunningVm machine;
        private final Hypervisor port;
        private boolean runs;
        private boolean hangs;

        Driver(HypervisorKind kind) {
            this.kind = kind;
            machine = Answers.of(
                    RunningVm.class,
                    Map.of(
                            "name", () -> WEB,
                            "kind", () -> kind,
                            "hypervisor", () -> "the fake of " + kind,
                            "identity", () -> new ProcessIdentity(4711, 1),
                            "close", () -> noted("close")));
            port = Answers.of(
                    Hypervisor.class,
                    Map.of(
                            "start", () -> started(),
                            "find", () -> found(),
                            "mayRun", () -> runs,
                            "running", () -> runs ? Set.of(WEB) : Set.of(),
                            "kill", () -> killed(),
                            "takePlace", () -> placed(),
                            "isBarred", () -> kind == HypervisorKind.UML,
                            "permit", () -> noted("permit"),
                            "ownsLayers", () -> kind == HypervisorKind.UML,
                            "images", () -> images()));
        }

        private Object noted(String what) {
            log.add(what + " " + kind);
            return "";
        }

        private Object started() {
            noted("start");
            runs = true;
            return machine;
        }

        private Object images() {
            noted("images");
            return MemoryImages.PLAIN;
        }

        private Object placed() {
            noted("takePlace");
            return machine;
        }

        private Object found() throws HypervisorException {
            if (hangs) {
                throw new HypervisorException(Kind.UNKNOWN, "its process does not answer");
            }
            return runs ? Optional.of(machine) : Optional.empty();
        }

        private Object killed() throws HypervisorException {
            noted("kill");
            if (hangs) {
                throw new HypervisorException(Kind.UNKNOWN, "its process does not end");
            }
            runs = false;
            return "";
        }
    }

    @Test
    void eachMachineIsStartedByWhatItsDefinitionNames() throws Exception {
        assertThat(both.start(UNDER_UML, StartMode.NORMAL).kind()).isEqualTo(HypervisorKind.UML);
        uml.runs = false;
        assertThat(both.start(UNDER_QEMU, StartMode.PAUSED).kind()).isEqualTo(HypervisorKind.QEMU);
        assertThat(log).containsExactly("start UML", "start QEMU");
    }

    @Test
    void aMachineWhoseDefinitionHasChangedIsFoundAndNoSecondOneIsStarted() throws Exception {
        qemu.runs = true;
        assertThat(both.find(UNDER_UML)).map(RunningVm::kind).contains(HypervisorKind.QEMU);
        assertThatThrownBy(() -> both.start(UNDER_UML, StartMode.NORMAL))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining("web runs as process 4711 under the fake of QEMU, and is defined for another");
        assertThat(log).containsExactly("close QEMU");

        qemu.runs = false;
        uml.runs = true;
        assertThat(both.find(UNDER_QEMU)).map(RunningVm::kind).contains(HypervisorKind.UML);
        assertThatThrownBy(() -> both.start(UNDER_QEMU, StartMode.NORMAL)).hasMessageContaining("stop it first");
        assertThat(log).containsExactly("close QEMU", "close UML");
    }

    @Test
    void aMachineThatTheOtherDriverCannotTellOfIsNotStarted() {
        uml.hangs = true;
        assertThatThrownBy(() -> both.start(UNDER_QEMU, StartMode.NORMAL)).hasMessageContaining("does not answer");
        assertThat(log).isEmpty();
    }

    /** That would be asked of each machine that is stopped, again and again. */
    @Test
    void theOtherDriverIsOnlyAskedForAMachineThatMayBeItsOwn() throws Exception {
        uml.hangs = true;
        assertThat(both.find(UNDER_QEMU)).isEmpty();
        uml.runs = true;
        assertThatThrownBy(() -> both.find(UNDER_QEMU)).hasMessageContaining("does not answer");
    }

    @Test
    void aMachineThatRunsTwiceIsLeftToAPerson() {
        qemu.runs = true;
        uml.runs = true;
        for (VmDefinition definition : List.of(UNDER_QEMU, UNDER_UML)) {
            assertThatThrownBy(() -> both.find(definition))
                    .isInstanceOfSatisfying(
                            HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNKNOWN))
                    .hasMessageContaining("end one of them");
        }
        assertThat(log).containsExactly("close UML", "close QEMU");
    }

    @Test
    void anInstanceBesideTheMachineBelongsToTheDriverThatIsNamed() throws Exception {
        qemu.runs = true;
        assertThat(both.find(UNDER_UML, Optional.of("r2"))).isEmpty();
        assertThat(both.find(UNDER_QEMU, Optional.of("r2"))).isPresent();
        // A revert loads it while the old one is still there.
        both.start(UNDER_UML, StartMode.PAUSED.beside("r2"));
        assertThat(log).containsExactly("start UML");
    }

    @Test
    void anInstanceTakesThePlaceOnlyWhenTheOldProcessIsGone() throws Exception {
        qemu.runs = true;
        assertThatThrownBy(() -> both.takePlace(uml.machine, UNDER_UML)).hasMessageContaining("still runs");
        qemu.runs = false;
        assertThat(both.takePlace(uml.machine, UNDER_UML).kind()).isEqualTo(HypervisorKind.UML);
        assertThat(log).containsExactly("takePlace UML");
    }

    @Test
    void whatRunsIsWhatEitherSays() {
        assertThat(both.running()).isEmpty();
        assertThat(both.mayRun(WEB)).isFalse();
        uml.runs = true;
        assertThat(both.running()).containsExactly(WEB);
        assertThat(both.mayRun(WEB)).isTrue();
    }

    @Test
    void aKillIsForWhateverRunsItAndOneThatFailsKeepsNoOther() {
        qemu.runs = true;
        qemu.hangs = true;
        uml.runs = true;
        assertThatThrownBy(() -> both.kill(UNDER_QEMU, Optional.empty())).hasMessageContaining("does not end");
        assertThat(log).containsExactly("kill QEMU", "kill UML");
        assertThat(uml.runs).isFalse();
    }

    @Test
    void whatIsOneMachinesOwnAffairIsAskedOfItsDriver() throws Exception {
        assertThat(both.isBarred(UNDER_UML)).isTrue();
        assertThat(both.isBarred(UNDER_QEMU)).isFalse();
        assertThat(both.ownsLayers(UNDER_UML)).isTrue();
        assertThat(both.ownsLayers(UNDER_QEMU)).isFalse();
        both.permit(UNDER_UML);
        assertThat(both.images()).isEqualTo(MemoryImages.PLAIN);
        assertThat(log).containsExactly("permit UML", "images QEMU");
    }

    @Test
    void eachKindNeedsADriver() {
        assertThatThrownBy(() -> new Hypervisors(Map.of(HypervisorKind.QEMU, qemu.port)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("UML");
    }

    @Test
    void amongOthersAMachineWithoutMemoryHasItsDisksCaptured() {
        for (CaptureMethod method : CaptureMethod.values()) {
            assertThat(UNDER_QEMU.hypervisor().amongOthers(method)).isEqualTo(method);
            assertThat(UNDER_UML.hypervisor().amongOthers(method)).isEqualTo(CaptureMethod.DISK_ONLY);
        }
    }
}
