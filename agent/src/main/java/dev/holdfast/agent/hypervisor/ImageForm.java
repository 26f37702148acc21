package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * How an image is to be read. The end of its file's name says it; it is never guessed from the content, which a guest writes: one that puts
 * the header of another format on its raw disk would have the host open whatever file that header names.
 */
public enum ImageForm {
    /** An image that can stand on another one, and takes room only for what was written. */
    QCOW2("qcow2"),
    /** The disk byte for byte, in a file. */
    RAW("raw"),
    /** A symbolic link to a block device that lives for itself. It is opened by the name of the link, which never changes. */
    DEVICE("dev"),
    /**
     * A symbolic link to a block device that keeps what is overwritten in another one, and lives only as long as that. Nothing is written to it.
     */
    COW("cow");

    private final String ending;

    ImageForm(String ending) {
        this.ending = ending;
    }

    /** What a file's name ends in, without the dot. */
    public String ending() {
        return ending;
    }

    /** The format in the words of QEMU and its tools. */
    public String format() {
        return switch (this) {
            case QCOW2 -> "qcow2";
            case RAW, DEVICE, COW -> "raw";
        };
    }

    /** Whether it is a link to a block device. */
    public boolean isDevice() {
        return this == DEVICE || this == COW;
    }

    /** A file's name of this form. */
    public String fileName(String name) {
        return name + "." + ending;
    }

    /** The form that a file's name says; empty if it says none. */
    public static Optional<ImageForm> saidBy(Path image) {
        String name = String.valueOf(image.getFileName());
        return Arrays.stream(values())
                .filter(form -> name.endsWith("." + form.ending))
                .findFirst();
    }

    /** The form of an image. A name that says none is of qcow2: all images were, before there were forms. */
    public static ImageForm of(Path image) {
        return saidBy(image).orElse(QCOW2);
    }
}
