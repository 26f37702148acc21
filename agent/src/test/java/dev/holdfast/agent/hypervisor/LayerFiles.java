package dev.holdfast.agent.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A directory of layers, made with {@code qemu-img} as plainly as can be. One thread. */
public final class LayerFiles {
    private static final Duration TOOL = Duration.ofSeconds(60);

    private final Path directory;
    private int made;

    public LayerFiles(Path directory) throws IOException {
        this.directory = Files.createDirectories(directory);
    }

    /** A name that no layer has had. */
    public Path next(String diskId) {
        return next(diskId, ImageForm.QCOW2);
    }

    /** The same for an image of any form. */
    public Path next(String diskId, ImageForm form) {
        made++;
        return directory.resolve(form.fileName("%s-%06d".formatted(diskId, made)));
    }

    /** A new layer upon each of those given. */
    public Map<String, Path> overlays(Map<String, Path> below) throws IOException {
        Map<String, Path> overlays = new LinkedHashMap<>();
        for (Map.Entry<String, Path> disk : below.entrySet()) {
            Path overlay = next(disk.getKey());
            String base = disk.getValue().toString();
            String format = ImageForm.of(disk.getValue()).format();
            List<String> command =
                    List.of("qemu-img", "create", "-q", "-f", "qcow2", "-F", format, "-b", base, overlay.toString());
            BoundedProcess.Ended ended = BoundedProcess.run(command, TOOL);
            assertThat(ended.status()).as(ended.output()).isZero();
            overlays.put(disk.getKey(), overlay);
        }
        return overlays;
    }

    /** What a machine writes to. */
    public static Map<String, Path> active(RunningVm vm) throws HypervisorException {
        Map<String, Path> active = new LinkedHashMap<>();
        for (DiskState disk : vm.disks()) {
            active.put(disk.id(), disk.active());
        }
        return active;
    }
}
