package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.GuestNetwork;
import dev.holdfast.agent.storage.StorageGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A chain on NFS, which two nodes see: the first one is the server, too, and mounts what it exports, an XFS, as the other does. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 900, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class NfsGuestTest {
    private static final Duration TOOL = Duration.ofSeconds(60);
    /** As docs/pacemaker.md says. */
    private static final String OPTIONS = "lookupcache=none";

    private static final String SEEN = "/mnt/web.holdfast";
    private static final String CHAIN = StorageGuest.SHARED + "/web.holdfast";

    @TempDir
    Path directory;

    private GuestNetwork network;
    private StorageGuest one;
    private StorageGuest two;

    @BeforeEach
    void export() throws Exception {
        Path disk = directory.resolve("xfs");
        onHost("truncate", "-s", "320M", disk.toString());
        onHost("mkfs.xfs", "-q", disk.toString());
        network = new GuestNetwork(directory);
        one = network.boot(0, "mem=384M", "ubd1c=" + disk);
        two = network.boot(0, "mem=384M");
        // Without a client of the life before, nobody has to be waited for.
        one.sh("""
                mkdir -p /run/export
                mount -t xfs /dev/ubdb /run/export
                modprobe nfsd
                mount -t nfsd nfsd /proc/fs/nfsd
                echo 10 >/proc/fs/nfsd/nfsv4leasetime
                echo 10 >/proc/fs/nfsd/nfsv4gracetime
                mkdir /var/lib/nfs/v4recovery
                touch /var/lib/nfs/etab
                exportfs -o rw,no_root_squash,no_subtree_check,insecure,fsid=0 10.77.0.0/24:/run/export
                rpc.mountd --no-nfs-version 3
                rpc.nfsd --no-nfs-version 3 4
                """);
        mount(one, "4.2");
        mount(two, "4.2");
        two.sh("dd if=/dev/urandom of=%s/web.img bs=64k count=16 conv=fsync".formatted(StorageGuest.SHARED));
    }

    private static void onHost(String... command) throws IOException {
        Ended ended = BoundedProcess.run(List.of(command), TOOL);
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    private static void mount(StorageGuest guest, String version) throws IOException {
        guest.sh("modprobe nfsv4; mount -i -t nfs4 -o vers=%s,addr=%s,clientaddr=0.0.0.0,%s %2$s:/ %s"
                .formatted(version, GuestNetwork.address(1), OPTIONS, StorageGuest.SHARED));
    }

    @AfterEach
    void end() throws Exception {
        network.close();
    }

    private static String chain(StorageGuest guest, String... actions) throws IOException {
        return guest.java(
                ChainProgram.class,
                Stream.concat(Stream.of(SEEN), Stream.of(actions)).toArray(String[]::new));
    }

    private static List<String> layers(StorageGuest guest) throws IOException {
        return guest.sh("ls -A %s/layers".formatted(CHAIN)).lines().sorted().toList();
    }

    @Test
    void whatOneNodeDoesIsSeenByTheOtherAndFilesThatSomebodyHasOpenAreNobodysLayers() throws Exception {
        List<String> first = chain(two, "adopt:/mnt/web.img", "storage:", "create:one", "sum:one")
                .lines()
                .toList();
        assertThat(first.get(0)).isEqualTo("clone (file on nfs4)");
        String then = first.get(1);
        assertThat(layers(two)).containsExactly("d0-000001.raw", "d0-000003-of-000001.raw");
        two.sh("dd if=/dev/urandom of=%s/head/d0.raw bs=64k count=1 seek=7 conv=fsync,notrunc".formatted(CHAIN));

        List<String> seen =
                chain(one, "sum:one", "sum:head", "create:two").lines().toList();
        assertThat(seen.get(0)).isEqualTo(then);
        assertThat(seen.get(1)).isNotEqualTo(then);
        assertThat(chain(two, "sum:two", "revert:one", "sum:head").lines()).containsExactly(seen.get(1), then);
        assertThat(chain(one, "sum:head", "sum:two").lines()).containsExactly(then, seen.get(1));

        String copy = layers(two).stream()
                .filter(each -> each.contains("-of-"))
                .reduce((a, b) -> b)
                .orElseThrow();
        two.sh("sleep 900 <%s/layers/%s >/dev/null 2>&1 &".formatted(CHAIN, copy));
        chain(two, "delete:two");
        assertThat(layers(one)).doesNotContain(copy).anyMatch(each -> each.startsWith(".nfs"));
        assertThat(chain(one, "create:three", "sum:three")).isEqualTo(then);
    }

    /** NFS clones from version 4.2 on. */
    @Test
    void anOlderVersionKeepsLayers() throws Exception {
        two.sh("umount " + StorageGuest.SHARED);
        mount(two, "4.1");
        assertThat(chain(two, "adopt:/mnt/web.img", "storage:", "create:one", "delete:one"))
                .isEqualTo("layer (file on nfs4, not cloned: Operation not supported)");
        assertThat(layers(two)).containsExactly("d0-000001.raw");
    }
}
