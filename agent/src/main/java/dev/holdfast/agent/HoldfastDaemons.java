package dev.holdfast.agent;

import dev.holdfast.agent.cli.Daemons;
import dev.holdfast.agent.cli.HoldfastCommand;
import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.config.ConfigurationLoader;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.config.QemuProgram;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.faults.FaultPoints;
import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Hypervisors;
import dev.holdfast.agent.hypervisor.libvirt.LibvirtAdoption;
import dev.holdfast.agent.hypervisor.libvirt.LibvirtHypervisor;
import dev.holdfast.agent.hypervisor.libvirt.LibvirtSettings;
import dev.holdfast.agent.hypervisor.qemu.QemuHypervisor;
import dev.holdfast.agent.hypervisor.qemu.QemuReplication;
import dev.holdfast.agent.hypervisor.qemu.QemuSettings;
import dev.holdfast.agent.hypervisor.uml.UmlHypervisor;
import dev.holdfast.agent.hypervisor.uml.UmlSettings;
import dev.holdfast.agent.hypervisor.xen.XenHypervisor;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.pacemaker.PacemakerFencing;
import dev.holdfast.agent.tunnel.Practice;
import dev.holdfast.agent.unix.ServiceNotifier;
import dev.holdfast.coordinator.zookeeper.EmbeddedSettings;
import dev.holdfast.coordinator.zookeeper.EmbeddedZooKeeper;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The commands that stay, with the real clocks and the real randomness. */
final class HoldfastDaemons implements Daemons {

    private static final Logger LOG = LoggerFactory.getLogger(HoldfastDaemons.class);

    /** Halts the JVM without any hook: the guard sees the end of the connection and thaws. */
    private static final int CONTRADICTION = 70;

    @Override
    public int agent(Path configuration) throws InterruptedException {
        try {
            Configuration loaded = ConfigurationLoader.load(configuration);
            Platform platform = new Platform(
                    InstantSource.system(),
                    System::nanoTime,
                    new SecureRandom(),
                    () -> UUID.randomUUID().toString(),
                    HoldfastCommand.version(),
                    contradiction -> Runtime.getRuntime().halt(CONTRADICTION),
                    FaultPoints.in(Optional.ofNullable(System.getProperty(FaultPoints.PROPERTY))
                            .map(Path::of)));
            MemoryKeys keys = MemoryKeys.read(
                    loaded.node().checkpoint().memoryKeyFile(),
                    loaded.node().checkpoint().oldMemoryKeyFiles());
            HoldfastAgent agent = HoldfastAgent.start(loaded, platform, drivers(loaded.node(), keys, platform));
            if (!keys.isEmpty()) {
                Practice.begin();
            }
            // It listens, so no other agent of this node does. The resource agent ends one that hangs by this number.
            OwnFile.write(
                    loaded.node().runDirectory().resolve("agent.pid"),
                    ProcessHandle.current().pid() + "\n");
            LOG.info(
                    "agent of node {} listens on {}",
                    loaded.node().node(),
                    loaded.node().controlSocket());
            ServiceNotifier manager =
                    ServiceNotifier.of(System.getenv(), ProcessHandle.current().pid());
            SignsOfLife signs = new SignsOfLife(manager, loaded.node().controlSocket());
            signs.start();
            awaitEnd(agent, signs);
            return ExitCode.OK.number();
        } catch (ConfigurationException e) {
            LOG.error("{}", e.getMessage());
            return ExitCode.USAGE.number();
        } catch (IOException e) {
            LOG.error("the agent cannot start: {}", e.getMessage());
            return ExitCode.FAILED.number();
        }
    }

    @Override
    public int prime() throws IOException {
        return new Priming(this, InstantSource.system()).run();
    }

    private static Drivers drivers(NodeSettings node, MemoryKeys keys, Platform platform) {
        QemuHypervisor qemu = new QemuHypervisor(qemu(node), platform.nanoClock(), keys);
        UmlHypervisor uml = new UmlHypervisor(
                UmlSettings.installed(node.runDirectory()),
                // Who can guess the name of the agent's socket can answer in a guest's place.
                platform.identities(),
                platform.nanoClock());
        XenHypervisor xen = XenHypervisor.installed(node.runDirectory(), platform.nanoClock());
        LibvirtSettings settings = LibvirtSettings.installed();
        LibvirtHypervisor libvirt = new LibvirtHypervisor(settings, platform.identities(), platform.nanoClock());
        return new Drivers(
                new Hypervisors(Map.of(
                        HypervisorKind.QEMU,
                        qemu,
                        HypervisorKind.UML,
                        uml,
                        HypervisorKind.LIBVIRT,
                        libvirt,
                        HypervisorKind.XEN,
                        xen)),
                new LibvirtAdoption(settings, platform.identities(), platform.nanoClock()),
                new QemuReplication(qemu),
                new PacemakerFencing(tool("cibadmin"), platform.nanoClock()),
                keys.told());
    }

    /** Where it is on the path; pacemaker's own place if it is not. */
    private static Path tool(String name) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(directory -> !directory.isEmpty())
                .map(directory -> Path.of(directory, name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(Path.of("/usr/sbin", name));
    }

    private static QemuSettings qemu(NodeSettings node) {
        QemuProgram program = node.qemu();
        return QemuSettings.of(program.emulator(), node.runDirectory())
                .with(program.firmwareDirectories(), program.moduleDirectory())
                .with(program.user(), program.sandbox());
    }

    private static void awaitEnd(HoldfastAgent agent, SignsOfLife signs) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            closeQuietly(signs);
                            closeQuietly(agent::close);
                            ended.countDown();
                        },
                        "holdfast-end"));
        ended.await();
    }

    private static void closeQuietly(Closeable part) {
        try {
            part.close();
        } catch (IOException e) {
            LOG.debug("a socket could not be closed", e);
        }
    }

    @Override
    public int zookeeper(ZooKeeperOptions options) throws InterruptedException {
        try {
            SortedMap<Integer, String> servers = new TreeMap<>();
            for (String server : options.servers()) {
                servers.put(servers.size() + 1, server);
            }
            EmbeddedZooKeeper.run(new EmbeddedSettings(
                    options.directory(), options.address(), options.port(), options.id(), servers));
            return ExitCode.OK.number();
        } catch (IllegalArgumentException e) {
            LOG.error("{}", e.getMessage());
            return ExitCode.USAGE.number();
        } catch (IOException e) {
            LOG.error("the ZooKeeper server cannot start: {}", e.getMessage());
            return ExitCode.FAILED.number();
        }
    }
}
