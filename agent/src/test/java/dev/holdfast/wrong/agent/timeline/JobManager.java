package dev.holdfast.wrong.agent.timeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.holdfast.agent.hypervisor.libvirt.LibvirtSettings;
import dev.holdfast.agent.hypervisor.qemu.QemuSettings;
import dev.holdfast.agent.hypervisor.uml.UmlSettings;
import dev.holdfast.agent.hypervisor.xen.XenHypervisor;
import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.group.JGroupsChannel;
import dev.holdfast.coordinator.zookeeper.ZooKeeperStore;
import dev.holdfast.wrong.agent.vm.Circle;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.ZooKeeper;
import org.jgroups.JChannel;
import org.newsclub.net.unix.AFUNIXSocket;
import org.tomlj.TomlTable;
import picocli.CommandLine;

/** Wrong on purpose, in all ways at once: each part breaks a wall. */
public record JobManager(
        ObjectMapper json,
        QemuSettings driver,
        UmlSettings otherDriver,
        XenHypervisor thirdDriver,
        LibvirtSettings fourthDriver,
        Engine engine,
        JGroupsChannel channel,
        ZooKeeperStore store,
        CuratorFramework curator,
        ZooKeeper zooKeeper,
        JChannel jgroups,
        AFUNIXSocket socket,
        TomlTable toml,
        CommandLine line,
        Circle circle) {}
