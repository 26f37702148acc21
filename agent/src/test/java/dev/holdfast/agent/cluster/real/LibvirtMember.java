package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;

import dev.holdfast.agent.storage.LoopFileSystem;
import dev.holdfast.agent.virsh.LibvirtLab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A domain of a real libvirtd, on XFS, as a member of the group, on the first node: agent and guard there see the files of the libvirtd. Needs root. */
final class LibvirtMember implements AutoCloseable {
    static final String VM = "dom";

    LibvirtLab lab;
    RealProcess agent;
    private RealProcess guard;
    private LoopFileSystem xfs;

    /** What this has begun when it fails is ended by {@link #close}. */
    void open(RealCluster cluster, Path directory) throws Exception {
        xfs = new LoopFileSystem("xfs", directory);
        lab = new LibvirtLab(xfs.point());
        lab.disks(VM, 0);
        lab.create(VM);
        RealNode node = cluster.n1();
        Files.writeString(
                node.home.resolve("vms/dom.toml"), """
                name = "%s"
                hypervisor = "libvirt"
                group = "%s"
                [[disk]]
                id = "vda"
                path = "%s"
                [[disk]]
                id = "vdb"
                path = "%s"
                """.formatted(VM, GROUP, lab.disk(VM, "vda"), lab.disk(VM, "vdb")));
        node.agent.kill();
        node.guard.kill();
        String program = Path.of("target/guard/holdfast-guard").toAbsolutePath().toString();
        guard = new RealProcess(
                node.home.resolve("guard.log"),
                seeing(List.of(
                        program, "--socket", node.home.resolve("run/guard.sock").toString())));
        agent = new RealProcess(node.home.resolve("agent.log"), seeing(RealNode.java(node.home, "agent")));
    }

    private List<String> seeing(List<String> command) {
        List<String> words = new ArrayList<>(lab.view());
        words.addAll(command);
        return words;
    }

    Path layer(String name) {
        return lab.root.resolve("dom.holdfast/layers").resolve(name);
    }

    List<String> layers() throws IOException {
        try (Stream<Path> files = Files.list(layer(""))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Override
    public void close() throws Exception {
        for (RealProcess process :
                Stream.of(agent, guard).filter(each -> each != null).toList()) {
            process.kill();
        }
        for (AutoCloseable each : Stream.of(lab, xfs).filter(one -> one != null).toList()) {
            each.close();
        }
    }
}
