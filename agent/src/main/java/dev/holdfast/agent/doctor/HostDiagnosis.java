package dev.holdfast.agent.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Judges one host. Pure. */
public final class HostDiagnosis {

    /** Write-protection of memory by userfaultfd, which background images need (Linux 5.7). */
    private static final int KERNEL_MAJOR = 5;

    private static final int KERNEL_MINOR = 7;
    private static final int QEMU_MAJOR = 7;
    private static final int QEMU_MINOR = 2;
    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)");
    private static final long MEBIBYTE = 1L << 20;
    private static final long FULL = 64 * MEBIBYTE;
    private static final double NEARLY_FULL = 0.1;

    private final HostFacts host;
    private final List<Check> checks = new ArrayList<>();

    private HostDiagnosis(HostFacts host) {
        this.host = host;
    }

    /** All that was looked at, whether well or not. */
    public static List<Check> of(HostFacts host) {
        HostDiagnosis diagnosis = new HostDiagnosis(host);
        diagnosis.configuration();
        host.files().forEach(diagnosis::file);
        host.spaces().forEach(diagnosis::space);
        host.units().forEach(diagnosis::unit);
        host.programs().forEach(diagnosis::program);
        diagnosis.kernel();
        host.uml().ifPresent(diagnosis::uml);
        diagnosis.clock();
        return List.copyOf(diagnosis.checks);
    }

    private void configuration() {
        if (host.configuration().isEmpty()) {
            checks.add(Check.ok(host.node(), "configuration", "it can be read"));
        }
        host.configuration()
                .forEach(problem -> checks.add(Check.failed(
                        host.node(), "configuration", problem, "correct it, then systemctl restart holdfast")));
    }

    private void file(HostFacts.FileState file) {
        String subject = "permissions";
        String named = file.path() + " (" + file.what() + ")";
        if (file.permissions().isEmpty()) {
            checks.add(Check.failed(
                    host.node(),
                    subject,
                    named + " is not there",
                    "start what makes it, or create it as docs/operations.md says"));
            return;
        }
        String mode = file.permissions().get();
        String group = mode.substring(3, 6);
        String others = mode.substring(6, 9);
        boolean good = switch (file.rule()) {
            case SECRET -> !(group + others).contains("r") && !(group + others).contains("w");
            case NO_OTHERS -> !others.contains("r") && !others.contains("w");
            case OWNER_WRITES -> group.charAt(1) != 'w' && others.charAt(1) != 'w';
        };
        if (good) {
            checks.add(Check.ok(host.node(), subject, named + " has " + mode));
            return;
        }
        checks.add(
                switch (file.rule()) {
                    case SECRET ->
                        Check.failed(
                                host.node(),
                                subject,
                                "%s can be %s by others: %s"
                                        .formatted(named, (group + others).contains("r") ? "read" : "written", mode),
                                "chmod 0600 " + file.path() + ", and make a new one: this one may be known");
                    case NO_OTHERS ->
                        Check.failed(
                                host.node(),
                                subject,
                                named + " is open to everybody: " + mode,
                                "chmod o-rw " + file.path());
                    case OWNER_WRITES ->
                        Check.failed(
                                host.node(),
                                subject,
                                named + " can be written by others, and what it says is done as root: " + mode,
                                "chmod go-w " + file.path() + ", and look whether it still says what it should");
                });
    }

    private void space(HostFacts.Space space) {
        String text = "%s (%s): %d MiB of %d MiB left"
                .formatted(space.path(), space.what(), space.usable() / MEBIBYTE, space.total() / MEBIBYTE);
        if (space.usable() < FULL) {
            checks.add(Check.failed(host.node(), "space", text, "make room: nothing can be captured there"));
        } else if (space.needed() > space.usable()) {
            checks.add(Check.failed(
                    host.node(),
                    "space",
                    text + ", and %d MiB are needed".formatted(space.needed() / MEBIBYTE),
                    "make room, or give the file system more"));
        } else if (space.usable() < space.total() * NEARLY_FULL) {
            checks.add(Check.warning(
                    host.node(), "space", text, "make room: 'holdfast checkpoint prune' deletes old checkpoints"));
        } else {
            checks.add(Check.ok(host.node(), "space", text));
        }
    }

    private void unit(HostFacts.Unit unit) {
        if (unit.state().equals("active")) {
            checks.add(Check.ok(host.node(), "services", unit.name() + " is active"));
        } else {
            checks.add(Check.failed(
                    host.node(),
                    "services",
                    unit.name() + " is " + unit.state(),
                    "systemctl start %1$s; journalctl -u %1$s tells why it is not".formatted(unit.name())));
        }
    }

    private void program(HostFacts.Program program) {
        if (program.version().isEmpty()) {
            checks.add(Check.failed(
                    host.node(),
                    "programs",
                    program.name() + " cannot be run; it is needed for " + program.neededFor(),
                    "install the package that contains it"));
            return;
        }
        String version = program.version().get();
        if (program.name().contains("qemu-system") && isOlder(version, QEMU_MAJOR, QEMU_MINOR)) {
            checks.add(Check.failed(
                    host.node(),
                    "programs",
                    version + " is older than %d.%d".formatted(QEMU_MAJOR, QEMU_MINOR),
                    "install a newer QEMU"));
        } else {
            checks.add(Check.ok(host.node(), "programs", program.name() + ": " + version));
        }
    }

    private static boolean isOlder(String text, int major, int minor) {
        Matcher matcher = VERSION.matcher(text);
        if (!matcher.find()) {
            return false;
        }
        int theirs = Integer.parseInt(matcher.group(1));
        return theirs < major || theirs == major && Integer.parseInt(matcher.group(2)) < minor;
    }

    private void kernel() {
        if (host.kernel().isEmpty()) {
            checks.add(Check.unknown(host.node(), "kernel", "its version cannot be read", "is /proc mounted?"));
        } else if (isOlder(host.kernel(), KERNEL_MAJOR, KERNEL_MINOR)) {
            checks.add(Check.warning(
                    host.node(),
                    "kernel",
                    host.kernel()
                            + " cannot write-protect memory for background images: captures stop guests for longer",
                    "use Linux 5.7 or newer"));
        } else {
            checks.add(Check.ok(host.node(), "kernel", host.kernel()));
        }
        host.kvm()
                .ifPresent(usable -> checks.add(
                        usable
                                ? Check.ok(host.node(), "kernel", "/dev/kvm can be used")
                                : Check.failed(
                                        host.node(),
                                        "kernel",
                                        "/dev/kvm cannot be used, and a definition says accel = \"kvm\"",
                                        "load kvm_intel or kvm_amd, or switch virtualization on in the firmware")));
    }

    private void uml(HostFacts.UmlHost uml) {
        checks.add(
                uml.fuse()
                        ? Check.ok(host.node(), "User-Mode Linux", "/dev/fuse can be used")
                        : Check.failed(
                                host.node(),
                                "User-Mode Linux",
                                "/dev/fuse cannot be used, through which machines with hypervisor = \"uml\" have their disks",
                                "modprobe fuse, and have it loaded at each boot: a line in /etc/modules-load.d"));
        checks.add(
                uml.amx()
                        ? Check.warning(
                                host.node(),
                                "User-Mode Linux",
                                "this processor has AMX: a kernel that does not know its registers (6.1 does not) dies of its first process",
                                "start a machine; if its console ends with 'ptrace set fp regs failed', give it a newer kernel")
                        : Check.ok(
                                host.node(),
                                "User-Mode Linux",
                                "this processor has no registers that kernels do not know"));
    }

    private void clock() {
        if (host.synchronised().isEmpty()) {
            checks.add(Check.unknown(
                    host.node(),
                    "clock",
                    "nobody can tell whether it follows others",
                    "run chrony or systemd-timesyncd; only reports depend on it"));
        } else if (host.synchronised().get()) {
            checks.add(Check.ok(host.node(), "clock", "it is synchronised"));
        } else {
            checks.add(Check.warning(
                    host.node(),
                    "clock",
                    "it is not synchronised: skews in reports and times of schedules are wrong",
                    "run chrony or systemd-timesyncd"));
        }
    }
}
