package dev.holdfast.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VmSettingsTest {
    @TempDir
    private Path directory;

    private ConfigurationFiles files;

    @BeforeEach
    void writeDefaults() throws IOException {
        files = new ConfigurationFiles(directory);
    }

    @Test
    void leavingOutWhatMayBeLeftOutGivesTheDefaults() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web"));

        assertThat(files.load().vms())
                .containsExactly(new VmSettings(
                        new Name("web"),
                        Optional.empty(),
                        HypervisorKind.QEMU,
                        Optional.of(new VmSettings.Hardware(
                                "pc-q35-7.2",
                                VmSettings.Accelerator.KVM,
                                Optional.empty(),
                                1,
                                64L << 20,
                                false,
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                List.of(),
                                List.of())),
                        Optional.empty(),
                        List.of(),
                        Optional.empty()));
    }

    @Test
    void everyKeyIsMapped() throws Exception {
        Path kernel = Files.writeString(directory.resolve("vmlinuz"), "k");
        Path initrd = Files.writeString(directory.resolve("initrd"), "i");
        files.vm("web.toml", """
                name = "web"
                group = "shop"
                machine = "pc-i440fx-10.0"
                accel = "tcg"
                cpu = "host"
                cpus = 2
                memory = "2G"
                guest_agent = true
                kernel = "%s"
                initrd = "%s"
                append = "console=ttyS0"
                extra_args = ["-device", "virtio-rng-pci"]
                [[disk]]
                id = "d0"
                path = "/srv/vms/web.holdfast/head/d0.qcow2"
                [[disk]]
                id = "d1"
                path = "/srv/vms/web.holdfast/head/d1"
                keep = "clone"
                [[nic]]
                id = "n0"
                tap = "tap0"
                mac = "52:54:00:00:00:01"
                [[nic]]
                id = "n1"
                netdev = "user"
                mac = "52:54:00:00:00:0A"
                """.formatted(kernel, initrd));

        assertThat(files.load().vm(new Name("web")))
                .contains(new VmSettings(
                        new Name("web"),
                        Optional.of(new Name("shop")),
                        HypervisorKind.QEMU,
                        Optional.of(new VmSettings.Hardware(
                                "pc-i440fx-10.0",
                                VmSettings.Accelerator.TCG,
                                Optional.of("host"),
                                2,
                                2L << 30,
                                true,
                                Optional.of(kernel),
                                Optional.of(initrd),
                                Optional.of("console=ttyS0"),
                                List.of("-device", "virtio-rng-pci"),
                                List.of(
                                        new VmSettings.Nic(
                                                "n0", Optional.of("tap0"), Optional.empty(), "52:54:00:00:00:01"),
                                        new VmSettings.Nic(
                                                "n1", Optional.empty(), Optional.of("user"), "52:54:00:00:00:0a")))),
                        Optional.empty(),
                        List.of(
                                new VmSettings.Disk("d0", Path.of("/srv/vms/web.holdfast/head/d0.qcow2"), Keep.AUTO),
                                new VmSettings.Disk("d1", Path.of("/srv/vms/web.holdfast/head/d1"), Keep.CLONE)),
                        Optional.empty()));
    }

    private static final String DISK = "[[disk]]\nid = \"d0\"\npath = \"/srv/vms/uml.holdfast/head/d0.qcow2\"\n";

    private static final String UML = "name = \"uml\"\nhypervisor = \"uml\"\nmemory = \"64M\"\n";

    @Test
    void aMachineOfUserModeLinuxNeedsAMemoryAndADisk() throws Exception {
        Path kernel = Files.writeString(directory.resolve("linux"), "a program");
        assertThat(kernel.toFile().setExecutable(true)).isTrue();
        files.vm(
                "uml.toml",
                UML + "group = \"shop\"\ncpus = 1\nguest_agent = false\nkernel = \"%s\"\n".formatted(kernel)
                        + "append = \"root=/dev/ubda ro\"\nextra_args = [\"quiet\", \"init=/init\"]\n" + DISK);
        files.vm("small.toml", UML.replace("\"uml\"\nh", "\"small\"\nh") + DISK.replace("uml.", "small."));

        assertThat(files.problems()).isEmpty();
        VmSettings uml = files.load().vm(new Name("uml")).orElseThrow();
        assertThat(uml.hypervisor()).isEqualTo(HypervisorKind.UML);
        VmSettings.Hardware hardware = uml.hardware().orElseThrow();
        assertThat(hardware.machine()).isEqualTo("uml-6.1");
        assertThat(hardware.kernel()).contains(kernel);
        assertThat(hardware.extraArguments()).containsExactly("quiet", "init=/init");
        assertThat(files.load()
                        .vm(new Name("small"))
                        .flatMap(VmSettings::hardware)
                        .map(VmSettings.Hardware::kernel))
                .contains(Optional.empty());
    }

    @Test
    void ofADomainOfLibvirtItsDisksAreSaidAndNothingThatItHasItself() throws Exception {
        String domain =
                "name = \"web\"\nhypervisor = \"libvirt\"\ngroup = \"shop\"\n%s[[disk]]\nid = \"vda\"\npath = \"/srv/web.img\"\n";
        files.vm("web.toml", domain.formatted("domain = \"Web server\"\n"));
        assertThat(files.load().vm(new Name("web")))
                .contains(new VmSettings(
                        new Name("web"),
                        Optional.of(new Name("shop")),
                        HypervisorKind.LIBVIRT,
                        Optional.empty(),
                        Optional.of("Web server"),
                        List.of(new VmSettings.Disk("vda", Path.of("/srv/web.img"), Keep.AUTO)),
                        Optional.empty()));

        files.vm("web.toml", domain.formatted("memory = \"64M\"\ncpus = 2\ndomain = \"w\u00e9b\"\n"));
        assertThat(files.problems())
                .containsExactlyInAnyOrder(
                        "vms/web.toml:4:1: \"memory\" has no meaning with hypervisor = \"libvirt\": the domain has it; remove it",
                        "vms/web.toml:5:1: \"cpus\" has no meaning with hypervisor = \"libvirt\": the domain has it; remove it",
                        "vms/web.toml:6:1: \"domain\" is no name that virsh can be told; write the UUID of the domain");
        files.vm("web.toml", "name = \"web\"\nhypervisor = \"libvirt\"\n[replication]\n");
        assertThat(files.problems())
                .anyMatch(problem -> problem.contains("there is no [[disk]]"))
                .anyMatch(problem -> problem.contains("[replication] has no meaning"));
        files.vm("web.toml", "domain = \"x\"\n" + ConfigurationFiles.machine("web"));
        assertThat(files.problems())
                .containsExactly("vms/web.toml:1:1: \"domain\" is only known with hypervisor = \"libvirt\"; remove it");
    }

    @Test
    void qemuIsTheDefaultAndNoneOfItsMachinesIsOneOfAnother() throws Exception {
        files.vm("web.toml", "hypervisor = \"qemu\"\n" + ConfigurationFiles.machine("web"));
        assertThat(files.load().vm(new Name("web")).map(VmSettings::hypervisor)).contains(HypervisorKind.QEMU);

        files.vm("web.toml", ConfigurationFiles.machine("web").replace("pc-q35-7.2", "uml-6.1"));
        assertThat(files.problems())
                .containsExactly("vms/web.toml:2:1: the machine type \"uml-6.1\" is one of User-Mode Linux;"
                        + " write hypervisor = \"uml\" in its place");
    }

    @Test
    void noMachineOfXenCanBeDefinedYet() throws Exception {
        files.vm("web.toml", "hypervisor = \"xen\"\n" + ConfigurationFiles.machine("web"));
        assertThat(files.problems())
                .containsExactly("vms/web.toml:1:1: machines of Xen cannot be defined yet: no agent has been tried on a"
                        + " real Xen; use \"qemu\" or \"uml\"");
    }

    @Test
    void whatUserModeLinuxDoesNotHaveIsNamedKeyByKey() throws Exception {
        Path kernel = Files.writeString(directory.resolve("bzImage"), "no program");
        files.vm("uml.toml", UML + """
                        machine = "pc-q35-7.2"
                        accel = "kvm"
                        cpu = "host"
                        cpus = 2
                        guest_agent = true
                        kernel = "%s"
                        extra_args = ["quiet", "ubd1=/etc/shadow"]
                        append = "root=/dev/ubdb  mem=8G"
                        [[nic]]
                        id = "n0"
                        tap = "tap0"
                        mac = "52:54:00:00:00:01"
                        [replication]
                        mode = "disk"
                        """.formatted(kernel) + DISK);

        assertThat(files.problems())
                .satisfiesExactly(
                        text -> assertThat(text).contains("uml.toml:4:1: \"machine\" has no meaning with hypervisor"),
                        text -> assertThat(text).contains("uml.toml:5:1: \"accel\" has no meaning"),
                        text -> assertThat(text).contains("uml.toml:6:1: \"cpu\" has no meaning"),
                        text -> assertThat(text).contains("uml.toml:7:1: \"cpus\" is 2", "remove it"),
                        text -> assertThat(text).contains("uml.toml:8:1: \"guest_agent\" is set"),
                        text -> assertThat(text).contains("uml.toml:9:1: ", "is no program", "user-mode-linux"),
                        text -> assertThat(text).contains("uml.toml:10:1: \"ubd1=/etc/shadow\" cannot be given here"),
                        text -> assertThat(text).contains("uml.toml:11:1: \"mem=8G\" cannot be given here"),
                        text -> assertThat(text).contains("uml.toml:12:", "gets no network cards yet"),
                        text -> assertThat(text).contains("uml.toml:16:", "\"replication\" has no meaning"));
    }

    @Test
    void theDisksOfUserModeLinuxAreOneToEight() throws Exception {
        files.vm("uml.toml", UML);
        assertThat(files.problems())
                .singleElement()
                .asString()
                .contains("there is no [[disk]]", "its kernel boots from the first");

        StringBuilder disks = new StringBuilder();
        for (int i = 0; i < 9; i++) {
            disks.append(DISK.replace("d0", "d" + i));
        }
        files.vm("uml.toml", UML + disks);
        assertThat(files.problems()).singleElement().asString().contains("there are 9 disks", "has numbers for 8");
    }

    @Test
    void aDiskIsCopiedOrNotAsItsDefinitionSays() throws Exception {
        for (Keep keep : Keep.values()) {
            files.vm(
                    "web.toml",
                    ConfigurationFiles.machine("web")
                            + "[[disk]]\nid = \"d0\"\npath = \"/x/web.holdfast/head/d0\"\nkeep = \"%s\"\n"
                                    .formatted(keep.word()));
            assertThat(files.load().vm(new Name("web")).orElseThrow().disks())
                    .extracting(VmSettings.Disk::keep)
                    .containsExactly(keep);
        }
    }

    @Test
    void aThickCopyHasRoomForAllOfTheDiskUnlessToldOtherwise() throws Exception {
        String disk = ConfigurationFiles.machine("web")
                + "[[disk]]\nid = \"d0\"\npath = \"/x/web.holdfast/head/d0\"\nkeep = \"thick\"\n%s";
        files.vm("web.toml", disk.formatted(""));
        assertThat(files.load().vm(new Name("web")).orElseThrow().disks())
                .extracting(VmSettings.Disk::cowPercent)
                .containsExactly(100);
        files.vm("web.toml", disk.formatted("cow = \"7%\"\n"));
        assertThat(files.load().vm(new Name("web")).orElseThrow().disks())
                .extracting(VmSettings.Disk::cowPercent)
                .containsExactly(7);
    }

    @Test
    void whatBecomesOfNoDiskIsRefusedByName() throws Exception {
        String disk = "[[disk]]\nid = \"d%d\"\npath = \"/x/web.holdfast/head/d%d%s\"\n%s\n";
        files.vm(
                "web.toml",
                ConfigurationFiles.machine("web")
                        + disk.formatted(0, 0, ".qcow2", "keep = \"clone\"")
                        + disk.formatted(1, 1, "", "keep = \"thin\"\ncow = \"20%\"")
                        + disk.formatted(2, 2, "", "keep = \"thick\"\ncow = \"120%\"")
                        + disk.formatted(3, 3, ".qcow2", "keep = \"increment\"")
                        + disk.formatted(4, 4, "", "keep = \"copy\"")
                        + disk.formatted(5, 5, ".qcow2", "keep = \"layer\""));
        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text)
                                .contains("head/d0.qcow2, the disk is a qcow2 image, which is never copied")
                                .contains("--in-place"),
                        text -> assertThat(text).contains("\"cow\" is the room of thick snapshots", "\"thin\""),
                        text -> assertThat(text).contains("\"cow\" is \"120%\"", "\"1%\" to \"100%\""),
                        text -> assertThat(text)
                                .contains("\"keep\" is \"increment\", and by its path", "head/d3.qcow2"),
                        text -> assertThat(text).contains("\"copy\"", "auto", "layer", "clone"));

        files.vm(
                "web.toml",
                "name = \"web\"\nhypervisor = \"libvirt\"\n[[disk]]\nid = \"vda\"\npath = \"/srv/web.img\"\n"
                        + "keep = \"layer\"\n");
        assertThat(files.problems())
                .singleElement()
                .asString()
                .contains("\"keep\" has no meaning with hypervisor = \"libvirt\"", "remove it");
    }

    @Test
    void onlyQemuCopiesDisksInIncrements() throws Exception {
        files.vm(
                "web.toml",
                "name = \"web\"\nhypervisor = \"uml\"\nmemory = \"64M\"\n[[disk]]\nid = \"d0\"\n"
                        + "path = \"/x/web.holdfast/head/d0\"\nkeep = \"increment\"\n");
        assertThat(files.problems())
                .anySatisfy(text -> assertThat(text).contains("which QEMU alone can do", "hypervisor = \"uml\""));
    }

    @Test
    void twoFilesCannotDefineOneMachine() throws Exception {
        files.vm("a.toml", "# first\n" + ConfigurationFiles.machine("web"));
        files.vm("b.toml", ConfigurationFiles.machine("web"));

        assertThat(files.problems())
                .containsExactly(
                        "vms/a.toml:2:1: the machine \"web\" is defined in vms/b.toml:1 too; give each its own",
                        "vms/b.toml:1:1: the machine \"web\" is already defined in vms/a.toml:2; give each its own");
    }

    @Test
    void idsImagesAndAddressesAreUnique() throws Exception {
        String devices = """
                [[disk]]
                id = "d0"
                path = "/x/d0"
                [[disk]]
                id = "d0"
                path = "/x/./d0"
                [[nic]]
                id = "d0"
                tap = "tap0"
                mac = "52:54:00:00:00:01"
                """;
        files.vm("a.toml", ConfigurationFiles.machine("a") + devices);
        files.vm(
                "b.toml",
                ConfigurationFiles.machine("b") + "[[nic]]\nid=\"n0\"\ntap=\"t\"\nmac=\"52:54:00:00:00:01\"\n");

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text)
                                .contains("a.toml:8:1: the id \"d0\" of a disk is already defined in vms/a.toml:5"),
                        text -> assertThat(text).contains("a.toml:11:1: the id \"d0\" of a nic is already defined"),
                        text -> assertThat(text)
                                .contains("a.toml:13:1: the hardware address 52:54:00:00:00:01 is defined"),
                        text -> assertThat(text).contains("a.toml:9:1: the disk image /x/d0 is already defined"),
                        text -> assertThat(text).contains("b.toml:7:1: the hardware address 52:54:00:00:00:01"));
    }

    @Test
    void unpinnedMachinesAndUnknownChoicesAreRefused() throws Exception {
        files.vm("web.toml", """
                name = "web"
                machine = "q35"
                accel = "xen"
                cpus = 0
                memory = "1500K"
                """);

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text).contains("web.toml:2:1: the machine type \"q35\" has no version"),
                        text -> assertThat(text)
                                .contains("web.toml:3:1: \"accel\": \"xen\" is not known; use \"kvm\" or \"tcg\""),
                        text -> assertThat(text).contains("web.toml:4:1: \"cpus\" is 0"),
                        text -> assertThat(text).contains("web.toml:5:1: \"memory\" is no whole number of MiB"));
    }

    @Test
    void wrongTypesAreNamed() throws Exception {
        files.vm(
                "web.toml",
                ConfigurationFiles.machine("web")
                        + "guest_agent = \"yes\"\nextra_args = [\"-S\", 5]\ndisk = \"d0\"\nnic = [\"n0\"]\n");

        assertThat(files.problems())
                .containsExactlyInAnyOrder(
                        "vms/web.toml:4:1: \"guest_agent\" is a text; write true or false",
                        "vms/web.toml:5:1: element 2 of \"extra_args\" is the number 5; write a text in quotes",
                        "vms/web.toml:6:1: \"disk\" is a text; write a table: [[disk]]",
                        "vms/web.toml:7:1: element 1 of \"nic\" is a text; write a table: [[nic]]");
    }

    @Test
    void devicesMustBeComplete() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web") + """
                        append = "quiet"
                        [[disk]]
                        id = "0"
                        pth = "/x"
                        [[nic]]
                        id = "n0"
                        tap = "tap0"
                        netdev = "user"
                        mac = "53:54:00:00:00:01"
                        [[nic]]
                        id = "n1"
                        tap = "a-much-too-long-name"
                        """);

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text).contains(":4:1: \"append\" means nothing without \"kernel\""),
                        text -> assertThat(text).contains(":5:1: the key \"disk.path\" is missing"),
                        text -> assertThat(text).contains(":6:1: \"0\" cannot be an id"),
                        text -> assertThat(text).contains(":7:1: unknown key \"disk.pth\"; did you mean \"path\"?"),
                        text -> assertThat(text)
                                .contains(":10:1: a network card needs one back end")
                                .contains("two"),
                        text -> assertThat(text).contains(":12:1: \"53:54:00:00:00:01\" is no unicast"),
                        text -> assertThat(text).contains(":13:1: the key \"nic.mac\" is missing"),
                        text -> assertThat(text)
                                .contains(":15:1: \"a-much-too-long-name\" is no name of a network device"));
    }

    @Test
    void aBackEndThatARevertedMachineCouldNotTakeOverIsRefused() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web") + """
                        [[nic]]
                        id = "n0"
                        netdev = "vhost-user,chardev=c0"
                        mac = "52:54:00:00:00:01"
                        [[nic]]
                        id = "n1"
                        netdev = "tap,fd=7,id=mine"
                        mac = "52:54:00:00:00:02"
                        """);

        assertThat(files.problems())
                .satisfiesExactlyInAnyOrder(
                        text -> assertThat(text)
                                .contains(":6:1: a back end \"vhost-user\" cannot be taken over", "tap"),
                        text -> assertThat(text).contains(":10:1: the option \"fd=7\" cannot be given here"),
                        text -> assertThat(text).contains(":10:1: the option \"id=mine\" cannot be given here"));
    }

    @Test
    void aKernelThatIsMissingIsNamed() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web") + "kernel = \"/no/such/kernel\"\n");

        assertThat(files.problems())
                .containsExactly(
                        "vms/web.toml:4:1: the file /no/such/kernel is missing; install it, or correct the path");
    }

    @Test
    void otherFilesInTheDirectoryAreLeftAlone() throws Exception {
        files.vm("web.toml~", "garbage = = =");
        files.vm(".web.toml", "garbage = = =");

        assertThat(files.load().vms()).isEmpty();
    }
}
