package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IncomingTest {
    private static final Name WEB = new Name("web");
    private static final Name ID = new Name("m1");

    @TempDir
    private Path directory;

    private final Starts hypervisor = new Starts();
    private final VmClaims claims = new VmClaims();
    private NodeTools tools;
    private ManagedVm machine;
    private Operation entry;

    /** A hypervisor that starts nothing, and counts how often it was asked to. */
    static final class Starts implements Hypervisor {
        private int count;

        @Override
        public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
            count++;
            throw new HypervisorException(HypervisorException.Kind.REFUSED, "no such emulator");
        }

        @Override
        public boolean isBarred(VmDefinition definition) {
            return false;
        }

        @Override
        public void permit(VmDefinition definition) {}

        @Override
        public Set<Name> running() {
            return Set.of();
        }

        @Override
        public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) {
            return Optional.empty();
        }

        @Override
        public void kill(VmDefinition definition, Optional<String> instance) {}

        @Override
        public RunningVm takePlace(RunningVm instance, VmDefinition definition) {
            throw new AssertionError("nothing was started");
        }
    }

    @BeforeEach
    void admit() throws IOException {
        VmRegistry vms = DisksOfOneNode.web(hypervisor);
        machine = vms.find(WEB).orElseThrow();
        OperationJournal journal = OperationJournal.open(directory.resolve("journal"));
        tools = new NodeTools(
                new Name("n2"),
                vms,
                hypervisor,
                claims,
                journal,
                () -> {
                    throw new AssertionError("nobody is asked");
                },
                vm -> directory,
                directory,
                Optional.empty(),
                Instant::now,
                System::nanoTime,
                Runnable::run,
                () -> {});
        entry = Operation.local(ID, OperationKind.MIGRATE_IN, WEB, Instant.EPOCH, "n1");
        journal.write(entry);
        claims.claim(ID, OperationKind.MIGRATE_IN, Set.of(WEB));
    }

    @Test
    void isNotTakenForGoneBeforeItsProcessWasStarted() {
        Incoming incoming = new Incoming(tools, machine, entry);
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.WAITING);
        assertThat(claims.holder(WEB)).isPresent();
    }

    @Test
    void startsNothingOnceItWasStopped() {
        Incoming incoming = new Incoming(tools, machine, entry);
        incoming.stop();
        assertThatThrownBy(() -> incoming.listen("127.0.0.1", List.of())).hasMessageContaining("was stopped there");
        assertThat(hypervisor.count).isZero();
        assertThat(claims.holder(WEB)).isEmpty();
        assertThat(tools.journal().operations()).isEmpty();
    }

    @Test
    void neverRunsWhenItsProcessIsGoneAfterARestartOfTheAgent() {
        Incoming incoming = new Incoming(tools, machine, entry);
        incoming.restarted();
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.NEVER_RAN);
    }

    @Test
    void isLostWhenItWasTakenAndItsProcessIsGoneAfterARestartOfTheAgent() throws IOException {
        Operation taken = entry.in(OperationState.HANDED_OVER);
        tools.journal().write(taken);
        Incoming incoming = new Incoming(tools, machine, taken);
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.LOST);
        assertThat(claims.holder(WEB)).isEmpty();
    }
}
