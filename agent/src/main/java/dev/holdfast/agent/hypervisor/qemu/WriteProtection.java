package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a background capture puts on the guest's memory. QEMU before 8.2 (seen on 7.2) leaves it on if the capture fails, and has nobody any
 * more who takes it off page by page: the guest hangs at its next write for good, while the process looks well. Such a machine is ended,
 * so that whoever looks after it starts it again. The caller holds what keeps others from the machine, but for {@link #isOn}.
 */
final class WriteProtection {
    private static final Logger LOG = LoggerFactory.getLogger(WriteProtection.class);
    private static final Pattern VERSION = Pattern.compile("([0-9]{1,4})[.]([0-9]{1,4}).*");

    private final QemuVm vm;
    /** An agent that is gone may have begun a capture, and nobody else would notice how that ends. */
    private volatile boolean mayHaveBeenLeft = true;

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
     * Whether the guest hangs for good after a capture that was under way. Only a stream that <em>failed</em> while the guest ran proves it:
     * one that was cancelled may be by another thread that is about to send the stopped guest elsewhere ({@link UnfinishedCapture}), and
     * a QEMU that takes the protection off by itself has not done so yet when it says that the stream failed.
     */
    boolean hangs(QmpValue info) throws HypervisorException {
        return info.path("status").asText().equals("failed") && vm.monitor().status() == VmStatus.RUNNING && isLeftOn();
    }

    /** Whether it is on after the end of a capture, and this QEMU will not take it off any more. */
    boolean isLeftOn() throws HypervisorException {
        return staysOn(vm.monitor().client().version()) && isOn();
    }

    /** Whether a QEMU of that version leaves it on (ram_write_tracking_stop in bg_migration_iteration_finish since 8.2). */
    static boolean staysOn(String qemu) {
        Matcher version = VERSION.matcher(qemu);
        if (!version.matches()) {
            return false;
        }
        int major = Integer.parseInt(version.group(1));
        return major < 8 || major == 8 && Integer.parseInt(version.group(2)) < 2;
    }

    /**
     * Ends a machine that {@linkplain #hangs hangs}.
     *
     * @return what to tell the caller
     */
    HypervisorException endMachine(QmpValue info) throws HypervisorException {
        String why = Migration.failure(info);
        LOG.warn("{}: {}; its memory is left write-protected, and the guest hung: ended", vm.name(), why);
        vm.kill();
        return new HypervisorException(
                Kind.GUEST_BROKEN,
                vm.name() + ": " + why
                        + ". This QEMU leaves the guest's memory write-protected then, and the guest hangs for"
                        + " good: its process was ended. Start the machine, if pacemaker does not, or revert it; QEMU 8.2 and later survive this");
    }

    /** Ends the machine if an agent that is gone had begun a capture, and the guest hangs because it failed. */
    void lookAfterLeft() throws HypervisorException {
        if (!mayHaveBeenLeft) {
            return;
        }
        QmpValue info = new Migration(vm.monitor()).query();
        if (Migration.isBusy(info)) {
            return;
        }
        boolean hung = hangs(info);
        mayHaveBeenLeft = false;
        if (hung) {
            throw endMachine(info);
        }
    }
}
