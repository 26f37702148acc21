package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a background capture puts on the guest's memory. QEMU before 8.2 (seen on 7.2) leaves it on if the capture fails, and has nobody any
 * more who takes it off page by page: the guest hangs at its next write for good, while the process looks well. Such a machine is ended,
 * so that whoever looks after it starts it again. One thread at a time.
 */
final class WriteProtection {
    private static final Logger LOG = LoggerFactory.getLogger(WriteProtection.class);

    private final QemuVm vm;
    /** An agent that is gone may have begun a capture, and nobody else would notice how that ends. */
    private boolean mayHaveBeenLeft = true;

    WriteProtection(QemuVm vm) {
        this.vm = vm;
    }

    /** Whether it is still on. Costs a walk through the tables of pages: milliseconds for each GB of memory. */
    boolean isOn() throws HypervisorException {
        try (var lines = Files.lines(process().resolve("smaps"))) {
            return lines.anyMatch(l -> l.startsWith("VmFlags:") && (l + " ").contains(" uw "));
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "cannot look at the memory map of " + vm.name() + ": " + e, e);
        }
    }

    /** Whether a thread of the process waits for it. If that is the one of the monitor, QEMU answers nothing. */
    boolean isWaitedFor() {
        try (var threads = Files.list(process().resolve("task"))) {
            return threads.anyMatch(WriteProtection::waits);
        } catch (IOException e) {
            return false; // gone
        }
    }

    private static boolean waits(Path thread) {
        try {
            return Files.readString(thread.resolve("wchan")).contains("userfault");
        } catch (IOException e) {
            return false; // the thread has ended
        }
    }

    private Path process() {
        return Path.of("/proc", Long.toString(vm.identity().pid()));
    }

    /**
     * Ends the machine after a capture that failed.
     *
     * @param why how it failed
     * @return what to tell the caller
     */
    HypervisorException endMachine(String why) throws HypervisorException {
        LOG.warn("{}: {}; its memory is left write-protected, and the guest hung: ended", vm.name(), why);
        vm.kill();
        return new HypervisorException(
                Kind.GUEST_BROKEN,
                vm.name() + ": " + why
                        + ". This QEMU leaves the guest's memory write-protected then, and the guest hangs for"
                        + " good: its process was ended. Start the machine, if pacemaker does not, or revert it; QEMU 8.2 and later survive this");
    }

    /** The capture that is under way, or has failed, is looked after by the caller. */
    void isLookedAfter() {
        mayHaveBeenLeft = false;
    }

    /** Ends the machine if an agent that is gone had begun a capture, and it failed. */
    void lookAfterLeft() throws HypervisorException {
        if (!mayHaveBeenLeft) {
            return;
        }
        QmpValue info = new Migration(vm.monitor()).query();
        if (Migration.isBusy(info)) {
            return;
        }
        mayHaveBeenLeft = false;
        if (Migration.hasFailed(info) && isOn()) {
            throw endMachine("the capture that an agent had begun before it ended, " + Migration.failure(info));
        }
    }
}
