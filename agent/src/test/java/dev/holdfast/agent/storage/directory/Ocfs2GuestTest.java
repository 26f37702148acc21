package dev.holdfast.agent.storage.directory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.storage.GuestNetwork;
import dev.holdfast.agent.storage.StorageGuest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** OCFS2 on a disk that two guests share, with a network between them: copies that one node makes are the other one's, too. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class Ocfs2GuestTest {
    private static final String IMAGE = StorageGuest.SHARED + "/layers/d0-000001.raw";
    private static final String COPY = StorageGuest.SHARED + "/layers/d0-000004-of-000001.raw";
    private static final long DISK_BYTES = 256L << 20;

    @TempDir
    Path directory;

    private GuestNetwork network;
    private StorageGuest one;
    private StorageGuest two;

    @BeforeEach
    void mount() throws Exception {
        Path disk = directory.resolve("shared");
        try (RandomAccessFile made = new RandomAccessFile(disk.toFile(), "rw")) {
            made.setLength(DISK_BYTES);
        }
        network = new GuestNetwork(directory);
        one = guest(disk);
        two = guest(disk);
        one.sh(
                "mkfs.ocfs2 --quiet --cluster-stack=o2cb --cluster-name=lab -N 2 --fs-features=refcount /dev/ubdb </dev/null");
        for (StorageGuest each : new StorageGuest[] {one, two}) {
            each.sh("mount.ocfs2 /dev/ubdb " + StorageGuest.SHARED);
        }
    }

    private StorageGuest guest(Path disk) throws Exception {
        StorageGuest guest = network.boot(0, "mem=384M", "ubd1c=" + disk);
        StringBuilder configuration = new StringBuilder("cluster:\n\tnode_count = 2\n\tname = lab\n");
        for (int node = 1; node <= 2; node++) {
            configuration.append(
                    "\nnode:\n\tip_port = 7777\n\tip_address = 10.77.0.%1$d\n\tnumber = %1$d\n\tname = n%1$d\n\tcluster = lab\n"
                            .formatted(node));
        }
        guest.sh("modprobe ocfs2; modprobe ocfs2_stack_o2cb; mount -t configfs configfs /sys/kernel/config; echo '"
                + configuration + "' >/etc/ocfs2/cluster.conf; o2cb register-cluster lab");
        return guest;
    }

    @AfterEach
    void end() throws Exception {
        network.close();
    }

    private static String store(StorageGuest guest, String action) throws IOException {
        return guest.java(StoreProgram.class, action, "/mnt/layers");
    }

    private static String sum(StorageGuest guest, String file) throws IOException {
        return guest.sh("md5sum <" + file);
    }

    @Test
    void whatOneNodeCopiesIsTheOtherOnesToo() throws Exception {
        one.sh("mkdir %s/layers; dd if=/dev/urandom of=%s bs=1M count=64 conv=fsync"
                .formatted(StorageGuest.SHARED, IMAGE));
        String before = sum(one, IMAGE);
        long free = free();

        assertThat(store(one, "copy").lines())
                .containsExactly(
                        "file on ocfs2; best Optional[CLONE]",
                        "[]",
                        "/mnt" + COPY.substring(StorageGuest.SHARED.length()));

        // The first one has the file system set aside 8 MiB in which it counts who shares what.
        assertThat(free - free()).as("KiB that a copy of 65,536 takes").isLessThan(16_384);
        assertThat(sum(two, COPY)).isEqualTo(before);
        assertThat(store(two, "copies")).isEqualTo(Set.of(StoreProgram.COPY).toString());

        two.sh("dd if=/dev/urandom of=%s bs=1M count=1 seek=7 conv=fsync,notrunc".formatted(IMAGE));
        assertThat(sum(one, IMAGE)).isNotEqualTo(before).isEqualTo(sum(two, IMAGE));
        assertThat(sum(one, COPY)).isEqualTo(before);

        store(two, "remove");
        assertThat(one.sh("ls %s/layers".formatted(StorageGuest.SHARED))).isEqualTo("d0-000001.raw");
    }

    private long free() throws IOException {
        return Long.parseLong(one.sh("sync; df -k %s | awk 'END { print $4 }'".formatted(StorageGuest.SHARED)));
    }
}
