package dev.holdfast.agent.doctor;

import dev.holdfast.agent.config.BrokenDefinition;
import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.config.ConfigurationLoader;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.config.Problem;
import dev.holdfast.agent.config.QemuProgram;
import dev.holdfast.agent.config.VmSettings;
import dev.holdfast.agent.doctor.HostFacts.FileState;
import dev.holdfast.agent.doctor.HostFacts.Rule;
import dev.holdfast.agent.doctor.HostFacts.Space;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Gathers what a host tells without an agent. Touches nothing; blocks for some seconds at most. Any thread. */
public final class HostLook {

    private static final Duration BOUND = Duration.ofSeconds(5);
    private static final Path SYSTEMD = Path.of("/run/systemd/system");
    private static final Path KERNEL = Path.of("/proc/sys/kernel/osrelease");
    private static final Path KVM = Path.of("/dev/kvm");
    private static final Path FUSE = Path.of("/dev/fuse");
    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final String UML_KERNEL = "linux.uml";
    private static final String VIRSH = "virsh";
    private static final String STORAGE_DAEMON = "qemu-storage-daemon";

    /** Two epochs are on a standby's volatile medium at once: the last one that is whole, and the next. */
    private static final long EPOCHS = 2;

    private static final int DEPTH = 4;

    private final Optional<Path> file;
    private final Optional<NodeSettings> node;
    private final List<VmSettings> vms;
    private final List<String> problems;

    private HostLook(Optional<Path> file, Optional<NodeSettings> node, List<VmSettings> vms, List<String> problems) {
        this.file = file;
        this.node = node;
        this.vms = vms;
        this.problems = problems;
    }

    /** For an agent, which looks at what it works with. */
    public static HostLook of(Configuration configuration) {
        return new HostLook(
                Optional.empty(), Optional.of(configuration.node()), configuration.vms(), broken(configuration));
    }

    /** For the command line: also at a host whose configuration cannot be read. */
    public static HostLook at(Path file) {
        try {
            Configuration configuration = ConfigurationLoader.load(file);
            return new HostLook(
                    Optional.of(file), Optional.of(configuration.node()), configuration.vms(), broken(configuration));
        } catch (ConfigurationException e) {
            List<String> problems = e.problems().stream().map(Problem::text).toList();
            return new HostLook(Optional.of(file), withoutSecrets(file), List.of(), problems);
        }
    }

    private static List<String> broken(Configuration configuration) {
        return configuration.broken().stream().map(BrokenDefinition::because).toList();
    }

    private static Optional<NodeSettings> withoutSecrets(Path file) {
        try {
            return Optional.of(ConfigurationLoader.loadNode(file));
        } catch (ConfigurationException e) {
            return Optional.empty(); // Its problems are among the others already.
        }
    }

    /** Looks. */
    public HostFacts facts() {
        return new HostFacts(
                node.map(known -> known.node().value()).orElse(""),
                problems,
                node.map(this::files).orElse(List.of()),
                node.map(known -> spaces(known, vms)).orElse(List.of()),
                units(),
                programs(node.map(known -> known.qemu().emulator()).orElse(QemuProgram.INSTALLED)),
                firstLine(KERNEL),
                hardware(HypervisorKind.QEMU).anyMatch(vm -> vm.accelerator() == VmSettings.Accelerator.KVM)
                        ? Optional.of(isUsable(KVM))
                        : Optional.empty(),
                under(HypervisorKind.UML).findAny().map(any -> new HostFacts.UmlHost(isUsable(FUSE), hasAmx())),
                synchronised());
    }

    private Stream<VmSettings> under(HypervisorKind kind) {
        return vms.stream().filter(vm -> vm.hypervisor() == kind);
    }

    private Stream<VmSettings.Hardware> hardware(HypervisorKind kind) {
        return under(kind).flatMap(vm -> vm.hardware().stream());
    }

    private static boolean isUsable(Path device) {
        return Files.isReadable(device) && Files.isWritable(device);
    }

    private static boolean hasAmx() {
        try (Stream<String> lines = Files.lines(PROCESSORS)) {
            return lines.filter(line -> line.startsWith("flags")).anyMatch(line -> line.contains(" amx_tile"));
        } catch (IOException | UncheckedIOException e) {
            return false; // Another architecture tells of its processors in other words, and has none.
        }
    }

    /** When certificates end; nothing where TLS is not used. */
    public List<Check> certificates(Instant now) {
        List<Check> checks = new ArrayList<>();
        node.flatMap(known -> known.zookeeper().tls())
                .ifPresent(tls -> Stream.concat(Stream.of(tls.trust()), tls.identity().stream())
                        .forEach(pem -> Certificates.check(node.get().node().value(), pem, now)
                                .ifPresent(checks::add)));
        return checks;
    }

    private List<FileState> files(NodeSettings node) {
        List<FileState> files = new ArrayList<>();
        file.ifPresent(each -> files.add(state(each, "the configuration", Rule.OWNER_WRITES)));
        files.add(state(node.zookeeper().credentials(), "password for ZooKeeper", Rule.SECRET));
        node.zookeeper()
                .tls()
                .flatMap(tls -> tls.identity())
                .ifPresent(identity -> files.add(state(identity, "key for TLS", Rule.SECRET)));
        files.add(state(node.channel().key(), "key of the group channel", Rule.SECRET));
        node.checkpoint().memoryKeyFiles().forEach(key -> files.add(state(key, "key for memory images", Rule.SECRET)));
        files.add(state(node.stateDirectory(), "state", Rule.NO_OTHERS));
        files.add(state(node.runDirectory(), "sockets", Rule.NO_OTHERS));
        files.add(state(node.controlSocket(), "control socket of the agent", Rule.NO_OTHERS));
        if (node.statusGroup().isPresent()) {
            files.add(state(node.statusSocket(), "status socket of the agent", Rule.NO_OTHERS));
        }
        files.add(state(node.guardSocket(), "socket of the guard", Rule.NO_OTHERS));
        try (Stream<Path> definitions = Files.list(node.vmsDirectory())) {
            definitions
                    .filter(each -> each.toString().endsWith(".toml"))
                    .sorted()
                    .forEach(each -> files.add(state(each, "a definition", Rule.OWNER_WRITES)));
        } catch (IOException e) {
            files.add(
                    new FileState(node.vmsDirectory().toString(), "definitions", Rule.OWNER_WRITES, Optional.empty()));
        }
        return files;
    }

    private static FileState state(Path path, String what, Rule rule) {
        Optional<String> mode;
        try {
            mode = Optional.of(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        } catch (IOException e) {
            mode = Optional.empty();
        }
        return new FileState(path.toString(), what, rule, mode);
    }

    private static List<Space> spaces(NodeSettings node, List<VmSettings> vms) {
        List<Space> spaces = new ArrayList<>();
        space(node.stateDirectory(), "journal", 0).ifPresent(spaces::add);
        TreeSet<Path> chains = new TreeSet<>();
        vms.forEach(vm -> vm.disks()
                .forEach(disk -> Optional.ofNullable(disk.path().getParent())
                        .map(Path::getParent)
                        .ifPresent(chains::add)));
        chains.forEach(chain -> space(chain, "disks", 0).ifPresent(spaces::add));
        guestMemory(vms).ifPresent(spaces::add);
        TreeSet<Path> media = new TreeSet<>();
        vms.forEach(vm -> vm.replication().ifPresent(copy -> media.add(copy.standbyDirectory())));
        for (Path medium : media) {
            long needed = vms.stream()
                    .filter(vm -> vm.replication()
                            .filter(copy -> copy.standbyDirectory().equals(medium) && copy.mayBeOn(node.node()))
                            .isPresent())
                    .mapToLong(VmSettings::memoryBytes)
                    .sum();
            long more = Math.max(0, EPOCHS * needed - held(medium));
            space(medium, "memory of standbys", more).ifPresent(spaces::add);
        }
        return spaces;
    }

    /** What standbys that are there have taken of it already. */
    private static long held(Path directory) {
        try (Stream<Path> files = Files.walk(directory, DEPTH)) {
            return files.mapToLong(HostLook::size).sum();
        } catch (IOException | UncheckedIOException e) {
            return 0; // There is none, or it is not ours to look at.
        }
    }

    private static long size(Path file) {
        try {
            return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
        } catch (IOException e) {
            return 0; // It was there a moment ago.
        }
    }

    /** Their memory is in files there that have no names: what they may still take of it. */
    private static Optional<Space> guestMemory(List<VmSettings> vms) {
        long memory = vms.stream()
                .filter(vm -> vm.hypervisor() == HypervisorKind.UML)
                .mapToLong(VmSettings::memoryBytes)
                .sum();
        return memory == 0
                ? Optional.empty()
                : space(SHARED_MEMORY, "memory of machines of User-Mode Linux", 0)
                        .map(space -> {
                            long unnamed = Math.max(0, space.total() - space.usable() - held(SHARED_MEMORY));
                            long more = Math.max(0, memory - unnamed);
                            return new Space(space.path(), space.what(), space.usable(), space.total(), more);
                        });
    }

    private static Optional<Space> space(Path directory, String what, long needed) {
        Path there = directory;
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent(); // It is made when it is needed, on the file system that is above it now.
        }
        try {
            FileStore store = Files.getFileStore(there);
            return Optional.of(
                    new Space(directory.toString(), what, store.getUsableSpace(), store.getTotalSpace(), needed));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static List<HostFacts.Unit> units() {
        if (!Files.isDirectory(SYSTEMD)) {
            return List.of();
        }
        return Stream.of("holdfast-guard", "holdfast")
                .map(unit -> new HostFacts.Unit(
                        unit,
                        answer(List.of("systemctl", "is-active", unit), true).orElse("unknown")))
                .toList();
    }

    private List<HostFacts.Program> programs(String emulator) {
        List<HostFacts.Program> programs = new ArrayList<>(List.of(
                program(emulator, "running machines", List.of(emulator, "--version")),
                program("qemu-img", "layers of disks", List.of("qemu-img", "--version")),
                program("socat", "monitor and stop with the agent dead", List.of("socat", "-V"))));
        TreeSet<String> kernels = new TreeSet<>();
        hardware(HypervisorKind.UML)
                .forEach(vm -> kernels.add(vm.kernel().map(Path::toString).orElse(UML_KERNEL)));
        kernels.forEach(
                kernel -> programs.add(program(kernel, "machines of User-Mode Linux", List.of(kernel, "--version"))));
        if (!kernels.isEmpty()) {
            programs.add(program(
                    STORAGE_DAEMON, "disks of machines of User-Mode Linux", List.of(STORAGE_DAEMON, "--version")));
        }
        if (under(HypervisorKind.LIBVIRT).findAny().isPresent()) {
            programs.add(program(VIRSH, "domains of libvirt", List.of(VIRSH, "--version")));
        }
        return programs;
    }

    private static HostFacts.Program program(String name, String neededFor, List<String> command) {
        return new HostFacts.Program(name, neededFor, answer(command, false));
    }

    private static Optional<Boolean> synchronised() {
        return answer(List.of("timedatectl", "show", "--property=NTPSynchronized", "--value"), false)
                .filter(word -> word.equals("yes") || word.equals("no"))
                .map("yes"::equals);
    }

    /** The line of what a program says that names its version, or the first; nothing if it cannot be run, or fails. */
    private static Optional<String> answer(List<String> command, boolean alsoOfFailure) {
        try {
            BoundedProcess.Ended ended = BoundedProcess.run(command, BOUND);
            return ended.status() == 0 || alsoOfFailure
                    ? ended.output()
                            .lines()
                            .filter(line -> line.contains(" version "))
                            .findFirst()
                            .or(() -> ended.output().lines().findFirst())
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static String firstLine(Path path) {
        try {
            return Files.readString(path).strip();
        } catch (IOException e) {
            return "";
        }
    }
}
