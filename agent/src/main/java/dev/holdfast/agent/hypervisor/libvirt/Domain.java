package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.hypervisor.GuestHardware;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/**
 * What the description of a domain says, as {@code virsh dumpxml} prints it. Immutable.
 *
 * @param name its name
 * @param uuid its UUID
 * @param hardware what its guest sees
 * @param disks its disks; neither drives for media that can be changed, nor what is empty
 * @param keepsNoMemory what is against capturing its memory, in words for people
 */
record Domain(String name, String uuid, GuestHardware hardware, List<Disk> disks, List<String> keepsNoMemory) {
    private static final Set<String> FLAGS = Set.of("shareable", "transient", "encryption");
    private static final String NO_DOCTYPE = "http://apache.org/xml/features/disallow-doctype-decl";

    /**
     * One disk.
     *
     * @param target as the guest's bus has it, as {@code vda}
     * @param type {@code file}, {@code block}, {@code volume}, {@code network} or what else libvirt knows
     * @param device {@code disk} or {@code lun}
     * @param files the file or device that is written, then what it is based on, as far as they have paths
     * @param volume pool and name, of a disk that is described by them
     * @param flags which of {@code shareable}, {@code transient}, {@code encryption} it has
     */
    record Disk(
            String target, String type, String device, List<Path> files, Optional<Volume> volume, List<String> flags) {
        Disk {
            files = List.copyOf(files);
            flags = List.copyOf(flags);
        }
    }

    /** A disk of a storage pool. */
    record Volume(String pool, String name) {}

    Domain {
        disks = List.copyOf(disks);
        keepsNoMemory = List.copyOf(keepsNoMemory);
    }

    /** @throws IOException if it is no such description */
    static Domain parse(String xml) throws IOException {
        Element domain = root(xml);
        if (!domain.getTagName().equals("domain")) {
            throw new IOException("libvirt describes a <" + domain.getTagName() + "> where a domain was asked for");
        }
        Element devices = first(domain, "devices")
                .orElseThrow(() -> new IOException("libvirt describes a domain without devices"));
        List<Disk> disks = new ArrayList<>();
        for (Element disk : all(devices, "disk")) {
            if (Set.of("disk", "lun", "").contains(disk.getAttribute("device"))) {
                disks.add(disk(disk));
            }
        }
        return new Domain(
                text(domain, "name"), text(domain, "uuid"), hardware(domain, devices, disks), disks, noMemory(devices));
    }

    private static Element root(String xml) throws IOException {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
            factory.setFeature(NO_DOCTYPE, true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            builder.setErrorHandler(null); // Which would write to our error output.
            return builder.parse(new InputSource(new StringReader(xml))).getDocumentElement();
        } catch (ParserConfigurationException | SAXException e) {
            throw new IOException("libvirt's description of a domain cannot be read: " + e.getMessage(), e);
        }
    }

    private static Disk disk(Element disk) {
        List<Path> files = new ArrayList<>();
        Optional<Element> layer = Optional.of(disk);
        while (layer.isPresent()) {
            first(layer.get(), "source").flatMap(Domain::path).ifPresent(files::add);
            layer = first(layer.get(), "backingStore");
        }
        String device = disk.getAttribute("device");
        return new Disk(
                first(disk, "target").map(target -> target.getAttribute("dev")).orElse(""),
                disk.getAttribute("type"),
                device.isEmpty() ? "disk" : device,
                files,
                first(disk, "source").flatMap(Domain::volume),
                FLAGS.stream()
                        .filter(flag -> first(disk, flag).isPresent())
                        .sorted()
                        .toList());
    }

    private static Optional<Path> path(Element source) {
        return List.of("file", "dev").stream()
                .map(source::getAttribute)
                .filter(path -> path.startsWith("/"))
                .findFirst()
                .map(Path::of);
    }

    private static Optional<Volume> volume(Element source) {
        Volume volume = new Volume(source.getAttribute("pool"), source.getAttribute("volume"));
        return volume.name().isEmpty() ? Optional.empty() : Optional.of(volume);
    }

    private static GuestHardware hardware(Element domain, Element devices, List<Disk> disks) throws IOException {
        List<String> seen = new ArrayList<>();
        disks.forEach(disk -> seen.add("disk " + disk.target()));
        for (Element card : all(devices, "interface")) {
            seen.add("nic "
                    + first(card, "mac").map(mac -> mac.getAttribute("address")).orElse(""));
        }
        Optional<Element> cpu = first(domain, "cpu");
        return new GuestHardware(
                first(domain, "os")
                        .flatMap(os -> first(os, "type"))
                        .map(type -> type.getAttribute("machine"))
                        .orElse(""),
                domain.getAttribute("type").equals("kvm") ? "kvm" : "tcg",
                cpu.flatMap(chosen -> first(chosen, "model"))
                        .map(model -> model.getTextContent().strip())
                        .or(() -> cpu.map(chosen -> chosen.getAttribute("mode")))
                        .orElse(""),
                (int) number(domain, "vcpu"),
                bytes(domain),
                seen);
    }

    private static long bytes(Element domain) throws IOException {
        String unit = first(domain, "memory")
                .map(memory -> memory.getAttribute("unit"))
                .orElse("");
        // It is what dumpxml always writes.
        if (!unit.equals("KiB") && !unit.isEmpty()) {
            throw new IOException("libvirt tells a domain's memory in " + unit + ", which was not expected");
        }
        return number(domain, "memory") << 10;
    }

    private static long number(Element parent, String name) throws IOException {
        String text = text(parent, name);
        if (!text.matches("[0-9]{1,15}")) {
            throw new IOException("libvirt says \"%s\" for a domain's %s, which is no number".formatted(text, name));
        }
        return Long.parseLong(text);
    }

    private static List<String> noMemory(Element devices) {
        List<String> against = new ArrayList<>();
        if (!all(devices, "hostdev").isEmpty()) {
            against.add("a device of the host (hostdev)");
        }
        if (!all(devices, "filesystem").isEmpty()) {
            against.add("a directory of the host (filesystem)");
        }
        boolean emulated = all(devices, "tpm").stream()
                .anyMatch(tpm -> first(tpm, "backend")
                        .filter(backend -> backend.getAttribute("type").equals("emulator"))
                        .isPresent());
        if (emulated) {
            against.add("an emulated TPM");
        }
        return against;
    }

    private static String text(Element parent, String name) throws IOException {
        return first(parent, name)
                .map(element -> element.getTextContent().strip())
                .orElseThrow(() -> new IOException("libvirt's description of a domain has no " + name));
    }

    private static Optional<Element> first(Element parent, String name) {
        return all(parent, name).stream().findFirst();
    }

    private static List<Element> all(Element parent, String name) {
        List<Element> found = new ArrayList<>();
        for (var child = parent.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element element && element.getTagName().equals(name)) {
                found.add(element);
            }
        }
        return found;
    }
}
