package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** What a {@code [[disk]]} says of the copies of its image. Each key is reported where it stands. Stateless. */
final class KeepReader {
    private static final String KEEP = "keep";
    private static final String COW = "cow";
    private static final Set<String> NOT_YET = Set.of("thin", "thick");

    private static final Set<Keep> MUST_BE_RAW = Set.of(Keep.CLONE, Keep.INCREMENT);

    private KeepReader() {}

    /**
     * @param path of the disk, if it can be used
     * @param hypervisor of the machine
     */
    static Keep read(TableReader disk, Optional<Path> path, HypervisorKind hypervisor) {
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
                    "\"keep\" is \"%s\", and volumes are not copied yet".formatted(word.get()),
                    "remove it: the disk stays on its layers where its storage cannot clone files");
            return Keep.AUTO;
        }
        Keep keep = disk.choice(KEEP, Keep.class, Keep.AUTO);
        if (!hypervisor.isOwn()) {
            disk.problem(
                    KEEP,
                    "\"keep\" has no meaning with hypervisor = \"libvirt\": the disk has no layers of Holdfast",
                    "remove it");
        } else if (keep == Keep.INCREMENT && hypervisor != HypervisorKind.QEMU) {
            disk.problem(
                    KEEP,
                    "\"keep\" is \"increment\", which QEMU alone can do, and the machine is of hypervisor = \"%s\""
                            .formatted(hypervisor.name().toLowerCase(Locale.ROOT)),
                    "remove it: the disk stays on its layers where its storage cannot clone files");
        }
        path.flatMap(ImageForm::saidBy)
                .filter(form -> MUST_BE_RAW.contains(keep) && form == ImageForm.QCOW2)
                .ifPresent(qcow2 -> disk.problem(
                        KEEP,
                        "\"keep\" is \"%s\", and by its path, %s, the disk is a qcow2 image, which is never copied"
                                .formatted(keep.word(), path.get()),
                        "write \"layer\" or nothing; a raw file is imported with --in-place at a path without .qcow2"));
        return keep;
    }
}
