package dev.holdfast.agent.virsh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A real libvirtd in namespaces of its own, and domains that run the oracle: a guest that says BAD when its memory and its two disks are not of one
 * moment. Closing it kills what it started.
 */
public final class LibvirtLab implements AutoCloseable {
    public static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String ORACLE = "/dev/holdfast/agent/hypervisor/oracle.bin";
    private static final Pattern TICK = Pattern.compile("^T([0-9A-F]{8})$", Pattern.MULTILINE);
    private static final int BOOT_MEBIBYTES = 16;
    /** Where the oracle keeps its number on both disks. */
    private static final long SLOT = 100L * 512;

    /** Where everything is, also for libvirtd. */
    public final Path root;

    private final Map<String, ProcessIdentity> guests = new TreeMap<>();
    private Process daemon;
    /** A process in the namespaces. */
    private long inside;

    public LibvirtLab() throws Exception {
        this(Path.of("/tmp"));
    }

    /** @param parent where its directory is made: on a file system that was mounted before */
    public LibvirtLab(Path parent) throws Exception {
        root = Files.createTempDirectory(parent, "hf-libvirt-");
        daemon = start("../deploy/lab/libvirtd", root.toString());
        inside = daemon.pid();
        awaitDaemon();
    }

    private Process start(String... command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        root.resolve("libvirtd.log").toFile()))
                .start();
    }

    private void awaitDaemon() {
        Awaitility.await().atMost(PATIENCE).ignoreExceptions().untilAsserted(() -> {
            assertThat(daemon.isAlive()).as("libvirtd, which says: %s", said()).isTrue();
            virsh().close();
        });
    }

    private String said() throws IOException {
        return Files.readString(root.resolve("libvirtd.log"));
    }

    /** How virsh is called there. */
    public List<String> command() {
        return inside("virsh", "-c", "qemu:///system");
    }

    /** What is put before a command that is to see the files of this libvirtd, in its own network and its own directory. */
    public List<String> view() {
        String here = Path.of("").toAbsolutePath().toString();
        return List.of("nsenter", "--target", Long.toString(inside), "--mount", "--wd=" + here, "--");
    }

    private List<String> inside(String... command) {
        List<String> words =
                new ArrayList<>(List.of("nsenter", "--target", Long.toString(inside), "--mount", "--net", "--"));
        words.addAll(Arrays.asList(command));
        return words;
    }

    /** A virsh that is kept open. */
    public Virsh virsh() throws VirshException {
        return Virsh.open(command(), PATIENCE, DatagramStandIn::word);
    }

    /** Where libvirtd notes what runs. */
    public Path states() {
        return Path.of("/proc", Long.toString(inside), "root/run/libvirt/qemu");
    }

    public long daemon() {
        return daemon.pid();
    }

    /** Ends libvirtd without asking it. Its guests run on. */
    public void killDaemon() throws Exception {
        daemon.destroyForcibly().waitFor();
    }

    /** Starts another one in its place, after {@link #outlivedBy}. */
    public void startDaemon() throws Exception {
        daemon = start(
                inside("libvirtd", "--config", "/etc/libvirt/libvirtd.conf").toArray(String[]::new));
        awaitDaemon();
    }

    /** The file of a disk. */
    public Path disk(String domain, String target) {
        return root.resolve(domain + "-" + target);
    }

    /** A domain that nothing is left of when it ends. Its first disk is qcow2, its second raw; its BIOS knows those alone that it might boot. */
    public String xml(String domain, String more) {
        return """
                <domain type='qemu'>
                  <name>%1$s</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
                  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
                  <devices>
                    <emulator>/usr/bin/qemu-system-x86_64</emulator>
                    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%2$s'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
                    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%3$s'/><target dev='vdb' bus='virtio'/><boot order='2'/></disk>
                    <serial type='file'><source path='%4$s'/></serial>
                    <memballoon model='none'/>%5$s
                  </devices>
                </domain>
                """.formatted(domain, disk(domain, "vda"), disk(domain, "vdb"), console(domain), more);
    }

    private Path console(String domain) {
        return root.resolve(domain + "-console");
    }

    /**
     * Fresh disks of a domain, the first of which boots the oracle.
     *
     * @param mebibytes how much of each, besides what the oracle uses, is full of what cannot be left out of a copy
     */
    public void disks(String domain, int mebibytes) throws Exception {
        Path raw = root.resolve("boot.raw");
        try (InputStream oracle = LibvirtLab.class.getResourceAsStream(ORACLE)) {
            Files.write(raw, oracle == null ? new byte[0] : oracle.readAllBytes());
        }
        fill(raw, mebibytes);
        run(
                "qemu-img",
                "convert",
                "-q",
                "-f",
                "raw",
                "-O",
                "qcow2",
                raw.toString(),
                disk(domain, "vda").toString());
        Files.write(disk(domain, "vdb"), new byte[0]);
        fill(disk(domain, "vdb"), mebibytes);
    }

    private static void fill(Path raw, int mebibytes) throws Exception {
        run("truncate", "-s", BOOT_MEBIBYTES + "M", raw.toString());
        if (mebibytes > 0) {
            run("sh", "-c", "head -c %dM /dev/urandom >>'%s'".formatted(mebibytes, raw));
        }
    }

    /** Starts a transient domain, and waits until its guest counts. */
    public void create(String domain) throws Exception {
        Path file = Files.writeString(root.resolve(domain + ".xml"), xml(domain, ""));
        try (Virsh virsh = virsh()) {
            virsh.ask(PATIENCE, "create", file.toString());
        }
        started(domain);
        awaitTicks(domain, 3);
    }

    /** Notes a guest, which this lab ends. */
    public ProcessIdentity started(String domain) throws IOException {
        long pid = Long.parseLong(
                Files.readString(states().resolve(domain + ".pid")).strip());
        ProcessIdentity guest = ProcessIdentity.of(pid).orElseThrow();
        guests.put(domain, guest);
        return guest;
    }

    /** From here on its guest is the way into the namespaces, because libvirtd will end. */
    public void outlivedBy(String domain) {
        inside = Objects.requireNonNull(guests.get(domain)).pid();
    }

    /**
     * What a guest had counted to when its disks were as they are in copies of them, the first of which is qcow2: the first has it before the
     * second, so that they differ by one at most. Fails if they are of two moments.
     */
    public long counted(Path first, Path second) throws Exception {
        Path raw = root.resolve("first.raw");
        run("qemu-img", "convert", "-q", "-f", "qcow2", "-O", "raw", first.toString(), raw.toString());
        long ahead = slot(raw);
        assertThat(ahead - slot(second)).as("what its disks differ by").isBetween(0L, 1L);
        return ahead;
    }

    private static long slot(Path raw) throws IOException {
        try (FileChannel channel = FileChannel.open(raw)) {
            ByteBuffer number = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            channel.read(number, SLOT);
            return Integer.toUnsignedLong(number.flip().getInt());
        }
    }

    /** What the guest has counted to; fails if it has said that something is wrong. */
    public long ticks(String domain) throws IOException {
        String console = Files.exists(console(domain)) ? Files.readString(console(domain)) : "";
        assertThat(console.lines()).as("what the guest says").doesNotContain("BAD");
        return TICK.matcher(console)
                .results()
                .reduce((first, second) -> second)
                .map(last -> Long.parseLong(last.group(1), 16))
                .orElse(0L);
    }

    /** Waits until the guest has counted that many more. */
    public void awaitTicks(String domain, int more) throws IOException {
        long before = ticks(domain);
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(ticks(domain)).isGreaterThanOrEqualTo(before + more));
    }

    public static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
        return output;
    }

    @Override
    public void close() throws Exception {
        guests.values().forEach(guest -> guest.signal(true));
        daemon.destroyForcibly().waitFor();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
