package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import java.util.List;
import java.util.Optional;

/** What the file of a domain of libvirt cannot say, because libvirt has it. Each key is reported where it stands, all of them at once. Stateless. */
final class LibvirtRules {
    private static final String HERE = " with hypervisor = \"libvirt\"";
    private static final String DOMAIN = "domain";

    private static final List<String> OF_THE_DOMAIN = List.of(
            "machine",
            "accel",
            "cpu",
            "cpus",
            "memory",
            "guest_agent",
            "kernel",
            "initrd",
            "append",
            "extra_args",
            "nic");

    private LibvirtRules() {}

    /** How libvirt calls the machine, if its file says so. */
    static Optional<String> domain(TableReader root, HypervisorKind hypervisor) {
        Optional<String> domain = root.text(DOMAIN);
        if (root.has(DOMAIN) && hypervisor != HypervisorKind.LIBVIRT) {
            root.problem(DOMAIN, "\"domain\" is only known" + HERE, "remove it");
        }
        if (domain.isPresent() && !domain.get().matches("[ -~]+")) {
            root.problem(DOMAIN, "\"domain\" is no name that virsh can be told", "write the UUID of the domain");
        }
        return domain;
    }

    /** @param disks how many of them can be used */
    static void check(TableReader root, int disks) {
        for (String key : OF_THE_DOMAIN) {
            if (root.has(key)) {
                root.problem(key, "\"%s\" has no meaning%s: the domain has it".formatted(key, HERE), "remove it");
            }
        }
        if (root.has("replication")) {
            root.problem(
                    "replication",
                    "[replication] has no meaning%s: the domain is not Holdfast's".formatted(HERE),
                    "remove it");
        }
        if (disks == 0 && !root.has("disk")) {
            root.problem("disk", "there is no [[disk]]" + HERE, "'holdfast vm adopt' writes them");
        }
    }
}
