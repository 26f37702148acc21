package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** What a {@code [[disk]]} says of the copies of its image. Each key is reported where it stands. Stateless. */
final class KeepReader {
    private static final String KEEP = "keep";
    private static final String COW = "cow";
    private static final Set<String> NOT_YET = Set.of("thin", "thick", "increment");

    private KeepReader() {}

    /**
     * @param path of the disk, if it can be used
     * @param ours whether the disk has layers of Holdfast
     */
    static Keep read(TableReader disk, Optional<Path> path, boolean ours) {
        Optional<String> word = disk.text(KEEP);
        if (disk.text(COW).isPresent()) {
            disk.problem(
                    COW,
                    "\"cow\" is for thick snapshots of LVM, and volumes are not copied yet",
                    "remove it: a disk on a volume stays on its layers");
        }
        if (word.isEmpty()) {
            return Keep.AUTO;
        }
        if (NOT_YET.contains(word.get())) {
            disk.problem(
                    KEEP,
                    "\"keep\" is \"%s\", and volumes are not copied yet, nor are files in parts".formatted(word.get()),
                    "remove it: the disk stays on its layers where its storage cannot clone files");
            return Keep.AUTO;
        }
        Keep keep = disk.choice(KEEP, Keep.class, Keep.AUTO);
        if (!ours) {
            disk.problem(
                    KEEP,
                    "\"keep\" has no meaning with hypervisor = \"libvirt\": the disk has no layers of Holdfast",
                    "remove it");
        }
        path.flatMap(ImageForm::saidBy)
                .filter(form -> keep == Keep.CLONE && form == ImageForm.QCOW2)
                .ifPresent(qcow2 -> disk.problem(
                        KEEP,
                        "\"keep\" is \"clone\", and by its path, %s, the disk is a qcow2 image, which is never copied"
                                .formatted(path.get()),
                        "write \"layer\" or nothing; a raw file is imported with --in-place at a path without .qcow2"));
        return keep;
    }
}
