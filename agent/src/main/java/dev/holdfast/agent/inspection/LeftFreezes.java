package dev.holdfast.agent.inspection;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Freezes that nobody is at any more: the mark is still there, because agent or guard died, or because nobody could be certain that the
 * machine runs. It is let run, and the mark is taken away when it is certain that it does. Blocks as long as machines take to answer.
 * Thread-safe.
 */
public final class LeftFreezes {

    /** After how long to try again: a try may last some seconds, and others wait for the machine meanwhile. */
    public static final Duration AGAIN = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(LeftFreezes.class);

    private final VmRegistry vms;
    private final VmClaims claims;
    private final OperationJournal journal;
    private final Function<Name, Path> runDirectory;
    private final InstantSource clock;
    private final Consumer<Name> thawed;
    /** What an earlier agent froze and could not be ended when this one began, by token: no bound is waited for. */
    private final Set<String> earlier = ConcurrentHashMap.newKeySet();
    /** Of which it has been said that they cannot be let run. */
    private final Set<Name> told = ConcurrentHashMap.newKeySet();

    /**
     * @param vms the machines of this node
     * @param claims what is under way on them
     * @param journal the operations of this node
     * @param runDirectory of each machine
     * @param clock tells whether the bound of a freeze has passed
     * @param thawed told of a machine whose freeze was ended here, so that the guard looks anew
     */
    public LeftFreezes(
            VmRegistry vms,
            VmClaims claims,
            OperationJournal journal,
            Function<Name, Path> runDirectory,
            InstantSource clock,
            Consumer<Name> thawed) {
        this.vms = vms;
        this.claims = claims;
        this.journal = journal;
        this.runDirectory = runDirectory;
        this.clock = clock;
        this.thawed = thawed;
    }

    /** When an agent begins, before it freezes anything: what has a mark was frozen by an earlier one, whatever its bound. */
    public void endAll() {
        for (ManagedVm vm : vms.all()) {
            try {
                Optional<FreezeMark> mark = mark(vm);
                if (mark.isEmpty() || mark.get().wasPaused() || isDecidedLater(vm, mark.get())) {
                    continue;
                }
                earlier.add(mark.get().token());
                end(vm, mark.get());
            } catch (IOException | HypervisorException e) {
                tell(vm, e);
            }
        }
    }

    private boolean isDecidedLater(ManagedVm vm, FreezeMark mark) {
        return mark.hold() && (claims.holder(vm.name()).isPresent() || journal.mayBeOpen(mark.token()));
    }

    /**
     * Ends what could not be ended before, and what the guard has not ended within its bound. To be called again and again.
     *
     * @param except machines that may stand still for longer than their mark says
     */
    public void endLeft(Predicate<Name> except) {
        for (ManagedVm vm : vms.all()) {
            if (except.test(vm.name()) || vm.process().isEmpty() || !vm.lock().tryLock()) {
                continue;
            }
            try {
                Optional<FreezeMark> mark = mark(vm).filter(this::isOver);
                if (mark.isPresent() && !isInUse(vm) && isForUs(vm)) {
                    thaw(vm, mark.get().token());
                }
            } catch (IOException | HypervisorException e) {
                tell(vm, e);
            } finally {
                vm.lock().unlock();
            }
        }
    }

    /** One that stands still for another reason, or whose capture hangs, keeps its mark: the guard is at it, and a person sees it. */
    private static boolean isForUs(ManagedVm vm) throws HypervisorException {
        VmStatus status = vm.process().isPresent() ? vm.process().get().status() : VmStatus.GUEST_ENDED;
        return status == VmStatus.RUNNING || status.still();
    }

    private void tell(ManagedVm vm, Exception e) {
        String text = "%s may stand still, or may yet obey an order to stop, and cannot be let run: %s"
                .formatted(vm.name(), e.getMessage());
        if (told.add(vm.name())) {
            LOG.error("{}; it is tried again; 'holdfast vm thaw {}' tries at once", text, vm.name());
        } else {
            LOG.debug("{}", text);
        }
    }

    /**
     * Ends one whose bound has passed. One that a person had paused stays so.
     *
     * @param token for what it was frozen
     * @return false if there is no reason to: nothing is done then
     * @throws HypervisorException it may not run, or may yet stop; the mark stays
     */
    boolean thaw(ManagedVm vm, String token) throws IOException, HypervisorException {
        vm.lock().lock();
        try {
            Optional<FreezeMark> mark = mark(vm).filter(found -> found.token().equals(token) && isOver(found));
            if (isInUse(vm) || mark.isEmpty()) {
                return false;
            }
            end(vm, mark.get());
            return true;
        } finally {
            vm.lock().unlock();
        }
    }

    private void end(ManagedVm vm, FreezeMark mark) throws IOException, HypervisorException {
        Optional<RunningVm> process = vms.process(vm);
        if (process.isPresent() && !mark.wasPaused()) {
            String stood = process.get().release() ? "stood still" : "ran";
            LOG.warn(
                    "{} {}, and was marked as frozen ({}), with nobody left to end that: it runs",
                    vm.name(),
                    stood,
                    mark.token());
        }
        FreezeMark.remove(runDirectory.apply(vm.name()));
        earlier.remove(mark.token());
        told.remove(vm.name());
        thawed.accept(vm.name());
    }

    /**
     * Takes the mark of a machine away that does not run.
     *
     * @param token for what it was frozen
     * @return false if there is no reason to
     */
    boolean unmark(ManagedVm vm, String token) throws IOException, HypervisorException {
        vm.lock().lock();
        try {
            Path directory = runDirectory.apply(vm.name());
            Optional<FreezeMark> mark = FreezeMark.read(directory);
            if (isInUse(vm)
                    || mark.isEmpty()
                    || !mark.get().token().equals(token)
                    || vms.process(vm).isPresent()) {
                return false;
            }
            FreezeMark.remove(directory);
            return true;
        } finally {
            vm.lock().unlock();
        }
    }

    /** A freeze that a round is at is not touched. */
    private boolean isInUse(ManagedVm vm) {
        return claims.holder(vm.name()).isPresent() || vm.isHeldStill();
    }

    /** None for a machine that is held for its standby as well: that does not end with the freeze. */
    private Optional<FreezeMark> mark(ManagedVm vm) throws IOException {
        Path directory = runDirectory.apply(vm.name());
        return Files.exists(directory.resolve("held")) ? Optional.empty() : FreezeMark.read(directory);
    }

    private boolean isOver(FreezeMark mark) {
        return earlier.contains(mark.token()) || mark.isOver(clock.instant());
    }
}
