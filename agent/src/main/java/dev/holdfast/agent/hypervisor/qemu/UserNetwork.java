package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Whether a QEMU that is not root could connect its network cards once more, as it has to after a revert or a move. At its
 * start it was root still, so that what it cannot do would show only when the old process is gone.
 */
record UserNetwork(ProcessOwner owner, Path devices) {
    private static final String TAP = "tap";
    /** IFF_PERSIST of linux/if_tun.h: the device stays when nobody uses it. */
    private static final int PERSISTENT = 0x0800;

    private static final int HEXADECIMAL = 16;

    static UserNetwork of(ProcessOwner owner) {
        return new UserNetwork(owner, Path.of("/sys/class/net"));
    }

    /** @throws HypervisorException REFUSED, with what to do */
    void check(List<VmDefinition.Nic> nics) throws HypervisorException {
        for (VmDefinition.Nic nic : owner.isSelf() ? List.<VmDefinition.Nic>of() : nics) {
            List<String> words = Arrays.asList(nic.backend().split(","));
            if (words.get(0).equals("bridge")) {
                throw refused(nic, "its helper needs root; put a tap device on the bridge and name that");
            }
            if (words.get(0).equals(TAP)) {
                checkTap(nic, words);
            }
        }
    }

    private void checkTap(VmDefinition.Nic nic, List<String> words) throws HypervisorException {
        if (!words.contains("script=no") || !words.contains("downscript=no")) {
            throw refused(nic, "a script needs root; add script=no,downscript=no");
        }
        String name = words.stream()
                .filter(word -> word.startsWith("ifname="))
                .map(word -> word.substring(word.indexOf('=') + 1))
                .findFirst()
                .orElseThrow(() -> refused(nic, "only root can make a tap device; name one with ifname="));
        try {
            Path device = devices.resolve(name);
            if (!Files.isReadable(device.resolve("tun_flags"))
                    || (number(device.resolve("tun_flags")) & PERSISTENT) == 0) {
                throw refused(
                        nic,
                        "only root can make the tap device; make it before: ip tuntap add dev " + name + " mode tap");
            }
            if (!owner.mayUse(number(device.resolve("owner")), number(device.resolve("group")))) {
                throw refused(nic, "the tap device " + name + " belongs to another user");
            }
        } catch (IOException e) {
            throw refused(nic, "the tap device " + name + " cannot be looked at: " + e);
        }
    }

    private static int number(Path file) throws IOException {
        String text = Files.readString(file).strip();
        return text.startsWith("0x") ? Integer.parseInt(text.substring(2), HEXADECIMAL) : (int) Long.parseLong(text);
    }

    private HypervisorException refused(VmDefinition.Nic nic, String why) {
        return new HypervisorException(
                Kind.REFUSED,
                "the network card %s (%s) could not be connected again by user %d, whom QEMU runs as: %s"
                        .formatted(nic.id(), nic.backend(), owner.uid(), why));
    }
}
