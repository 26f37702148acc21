package dev.holdfast.agent.cluster.real;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;

/** Looks for secrets wherever a cluster leaves something that others may read. */
final class SecretSearch {
    private static final long MOST_OF_A_FILE = 64 << 20;

    /** Files that are secrets, by name. */
    private static final Set<String> THEIR_OWN =
            Set.of("zookeeper.secret", "channel.key", "memory.key", "remembered", "boot.img");

    private final RealCluster cluster;
    private final List<String> forms = new ArrayList<>();

    SecretSearch(RealCluster cluster, List<byte[]> secrets) {
        this.cluster = cluster;
        secrets.forEach(this::add);
    }

    /** What a secret looks like to somebody who searches for it. */
    private void add(byte[] secret) {
        forms.add(new String(secret, StandardCharsets.ISO_8859_1));
        forms.add(HexFormat.of().formatHex(secret));
        forms.add(HexFormat.of().withUpperCase().formatHex(secret));
        // Without the last two characters, which depend on what follows; at each of the three places it may begin.
        for (int shift = 0; shift < 3; shift++) {
            byte[] shifted = new byte[secret.length + shift];
            System.arraycopy(secret, 0, shifted, shift, secret.length);
            String text = Base64.getEncoder().withoutPadding().encodeToString(shifted);
            forms.add(text.substring(shift == 0 ? 0 : 4, text.length() - 2));
        }
    }

    void assertSilent(String where, byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        for (String form : forms) {
            assertThat(text.contains(form))
                    .as("%s says a secret, as %s", where, form)
                    .isFalse();
        }
    }

    /** Processes, files and ZooKeeper. */
    void everywhere() throws Exception {
        assertThat(processes()).as("processes that were looked at").isGreaterThanOrEqualTo(7);
        assertThat(files()).as("files that were looked at").isGreaterThan(30);
        try (StoreByHand store = new StoreByHand(cluster.n1())) {
            SortedMap<String, byte[]> tree = store.all();
            assertThat(tree).hasSizeGreaterThan(10);
            tree.forEach((path, data) -> assertSilent(path + " in ZooKeeper", data));
        }
    }

    /** Command line and environment of everything that runs here. */
    private int processes() throws IOException {
        List<Long> all = new ArrayList<>(
                ProcessHandle.current().descendants().map(ProcessHandle::pid).toList());
        for (RealNode node : cluster.nodes) {
            try (DirectoryStream<Path> machines = Files.newDirectoryStream(node.home.resolve("run/vms"))) {
                for (Path machine : machines) {
                    RealVm.process(machine.resolve("pid")).ifPresent(all::add);
                }
            }
        }
        for (long pid : all) {
            for (String file : List.of("cmdline", "environ")) {
                Path path = Path.of("/proc", Long.toString(pid), file);
                try {
                    assertSilent(path.toString(), Files.readAllBytes(path));
                } catch (IOException e) {
                    if (RealVm.lives(pid)) {
                        throw e;
                    }
                }
            }
        }
        return all.size();
    }

    /** What a file holds; nothing if it has gone meanwhile. */
    private static byte[] read(Path file) throws IOException {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            if (Files.exists(file)) {
                throw e;
            }
            return new byte[0];
        }
    }

    /** Logs, journals, state, sidecars and what ZooKeeper keeps: all but the files that are secrets, and the disks. */
    private int files() throws IOException {
        int[] looked = new int[1];
        Files.walkFileTree(cluster.home, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (Files.isRegularFile(file)
                        && !THEIR_OWN.contains(file.getFileName().toString())
                        && !file.toString().endsWith(".qcow2")
                        && attributes.size() < MOST_OF_A_FILE) {
                    assertSilent(file.toString(), read(file));
                    looked[0]++;
                }
                return FileVisitResult.CONTINUE;
            }

            /** Agents that run replace their files as they like. */
            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                    throw e;
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return looked[0];
    }
}
