package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The block nodes of an image: one that interprets it, and below that one that reads it. Stateless. */
public final class ImageNode {
    private static final Set<String> INTERPRETING = Set.of("qcow2", "raw");
    private static final Set<String> READING = Set.of("file", "host_device");

    private ImageNode() {}

    /** The options that open an image as its name says. */
    public static Map<String, Object> options(String node, Path image) {
        ImageForm form = ImageForm.of(image);
        String reading = switch (form) {
            case QCOW2, RAW -> "file";
            case DEVICE, COW -> "host_device";
        };
        Map<String, Object> options = new HashMap<>();
        options.put("driver", form.format());
        options.put("node-name", node);
        options.put("file", Map.of("driver", reading, "filename", image.toString()));
        return options;
    }

    /** Whether a node, as {@code query-named-block-nodes} has it, interprets an image. */
    public static boolean interprets(QmpValue node) {
        return INTERPRETING.contains(node.path("drv").asText());
    }

    /** Whether a node reads a file or a block device. */
    public static boolean reads(QmpValue node) {
        return READING.contains(node.path("drv").asText());
    }
}
