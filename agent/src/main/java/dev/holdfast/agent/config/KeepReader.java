package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a {@code [[disk]]} says of the copies of its image. Each key is reported where it stands. Stateless. */
final class KeepReader {
    private static final String KEEP = "keep";
    private static final String COW = "cow";
    private static final int ALL = 100;
    private static final Pattern PERCENT = Pattern.compile("([1-9][0-9]?|100)%");

    private KeepReader() {}

    /**
     * @param path of the disk, if it can be used
     * @param hypervisor of the machine
     */
    static Keep read(TableReader disk, Optional<Path> path, HypervisorKind hypervisor) {
        Optional<String> word = disk.text(KEEP);
        if (word.isEmpty()) {
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
                .filter(form -> keep != Keep.AUTO && keep != Keep.LAYER && form == ImageForm.QCOW2)
                .ifPresent(
                        qcow2 -> disk.problem(
                                KEEP,
                                "\"keep\" is \"%s\", and by its path, %s, the disk is a qcow2 image, which is never copied"
                                        .formatted(keep.word(), path.get()),
                                "write \"layer\" or nothing; a raw image is imported with --in-place at a path without .qcow2"));
        return keep;
    }

    /** How much of the disk may be overwritten before a thick copy of it is spoilt, in percent. */
    static int cowPercent(TableReader disk, Keep keep) {
        Optional<String> text = disk.text(COW);
        if (text.isEmpty()) {
            return ALL;
        }
        if (keep != Keep.THICK) {
            disk.problem(
                    COW,
                    "\"cow\" is the room of thick snapshots, and \"keep\" is \"%s\"".formatted(keep.word()),
                    "write keep = \"thick\", or remove it");
            return ALL;
        }
        if (!PERCENT.matcher(text.get()).matches()) {
            disk.problem(COW, "\"cow\" is \"%s\"".formatted(text.get()), "write \"1%\" to \"100%\"");
            return ALL;
        }
        return Integer.parseInt(text.get().substring(0, text.get().length() - 1));
    }
}
