package dev.holdfast.agent.virsh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.virsh.VirshException.Kind;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the driver for libvirt rests on, asked of a real libvirtd: the experiments of docs/adr/0015-libvirt-and-xen-behind-the-port.md. */
@Tag("qemu")
@Tag("libvirt")
@Tag("soak")
@Timeout(300)
class LibvirtFactsTest {
    private static final String PAUSED = "paused (user)";

    private static LibvirtLab lab;

    @BeforeAll
    static void start() throws Exception {
        lab = new LibvirtLab();
    }

    @AfterAll
    static void end() throws Exception {
        lab.close();
    }

    private static Virsh virsh(String domain, int mebibytes) throws Exception {
        lab.disks(domain, mebibytes);
        lab.create(domain);
        return lab.virsh();
    }

    private static String ask(Virsh virsh, String... words) throws VirshException {
        return virsh.ask(LibvirtLab.PATIENCE, words);
    }

    /** The events of the life of domains, as they come. */
    private static final class Events implements AutoCloseable {
        private final Process process;
        private final List<String> lines = new CopyOnWriteArrayList<>();

        Events() throws Exception {
            List<String> command = new ArrayList<>(lab.command());
            command.addAll(List.of("event", "--event", "lifecycle", "--loop", "--timestamp"));
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
            Thread reader = new Thread(() -> {
                try (BufferedReader reading = process.inputReader()) {
                    reading.lines().forEach(lines::add);
                } catch (Exception e) {
                    lines.add("ended: " + e);
                }
            });
            reader.setDaemon(true);
            reader.start();
        }

        /** What happened to a domain, in order, without the time. */
        List<String> of(String domain) {
            String about = "domain '" + domain + "': ";
            return lines.stream()
                    .filter(line -> line.contains(about))
                    .map(line -> line.substring(line.indexOf(about) + about.length()))
                    .toList();
        }

        void await(String domain, String... events) {
            Awaitility.await()
                    .atMost(LibvirtLab.PATIENCE)
                    .untilAsserted(() -> assertThat(of(domain)).containsExactly(events));
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    /** Awaits that the events of this moment on are heard. */
    private static Events events(Virsh virsh, String domain) throws Exception {
        Events events = new Events();
        Awaitility.await().atMost(LibvirtLab.PATIENCE).until(() -> {
            ask(virsh, "suspend", domain);
            ask(virsh, "resume", domain);
            return !events.of(domain).isEmpty();
        });
        Awaitility.await()
                .atMost(LibvirtLab.PATIENCE)
                .until(() -> events.of(domain).size() % 2 == 0);
        events.lines.clear();
        return events;
    }

    private static Path manualSnapshot(String domain, Path memory) throws Exception {
        return Files.writeString(lab.root.resolve(domain + "-snapshot.xml"), """
                <domainsnapshot><memory snapshot='external' file='%s'/><disks>
                  <disk name='vda' snapshot='manual'/><disk name='vdb' snapshot='manual'/></disks></domainsnapshot>
                """.formatted(memory));
    }

    private static Path backup(String domain) throws Exception {
        return Files.writeString(
                lab.root.resolve(domain + "-backup.xml"), """
                <domainbackup mode='push'><disks>
                  <disk name='vda' type='file'><target file='%s'/><driver type='qcow2'/></disk>
                  <disk name='vdb' type='file'><target file='%s'/><driver type='raw'/></disk></disks></domainbackup>
                """.formatted(target(domain, "vda"), target(domain, "vdb")));
    }

    private static Path target(String domain, String disk) {
        return lab.root.resolve(domain + "-" + disk + ".copy");
    }

    private static List<Path> copies(String domain) throws Exception {
        List<Path> copies = new ArrayList<>();
        for (String disk : List.of("vda", "vdb")) {
            copies.add(Files.copy(lab.disk(domain, disk), lab.root.resolve(domain + "-" + disk + ".then")));
        }
        return copies;
    }

    /** What it copies it flushes: on a busy disk that takes a while. */
    private static void awaitNoJob(Virsh virsh, String domain) {
        Awaitility.await()
                .atMost(LibvirtLab.PATIENCE.multipliedBy(3))
                .ignoreExceptionsInstanceOf(VirshException.class)
                .until(() -> ask(virsh, "domjobinfo", domain).contains("None"));
    }

    /** E1. */
    @Test
    void aKeptVirshAnswersAtOnceAndItsErrorsComeBeforeTheEndOfTheAnswer() throws Exception {
        try (Virsh virsh = virsh("kept", 0)) {
            List<Long> micros = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                for (String word : List.of("suspend", "domstate", "resume")) {
                    long start = System.nanoTime();
                    String said = ask(virsh, word, "kept");
                    micros.add((System.nanoTime() - start) / 1000);
                    assertThat(said).isEqualTo(word.equals("domstate") ? "paused" : "");
                }
                VirshException refused =
                        catchThrowableOfType(VirshException.class, () -> ask(virsh, "suspend", "nobody"));
                assertThat(refused.kind()).isEqualTo(Kind.REFUSED);
                assertThat(refused).hasMessageContaining("failed to get domain 'nobody'");
            }
            String word = "x".repeat(3000);
            assertThat(ask(virsh, "echo", word))
                    .as("also where a terminal would wrap")
                    .isEqualTo(word);
            micros.sort(null);
            System.out.printf(
                    "E1: a command of a kept virsh takes %d us in the median, %d at 90 %%, %d at most%n",
                    micros.get(75), micros.get(135), micros.get(149));
        }
    }

    /** E2. */
    @Test
    void theMemoryOfASuspendedDomainIsSavedAndItStaysSuspended() throws Exception {
        try (Virsh virsh = virsh("saved", 0)) {
            ask(virsh, "suspend", "saved");
            List<Path> then = copies("saved");
            Path memory = lab.root.resolve("saved.memory");
            ask(
                    virsh,
                    "snapshot-create",
                    "saved",
                    manualSnapshot("saved", memory).toString(),
                    "--no-metadata");
            assertThat(ask(virsh, "domstate", "--reason", "saved")).isEqualTo(PAUSED);
            assertThat(ask(virsh, "snapshot-list", "saved", "--name")).isEmpty();
            assertThat(Files.mismatch(then.get(0), lab.disk("saved", "vda"))).isEqualTo(-1);
            assertThat(Files.mismatch(then.get(1), lab.disk("saved", "vdb"))).isEqualTo(-1);
            assertThat(LibvirtLab.run("qemu-img", "check", then.get(0).toString()))
                    .contains("No errors");
            ask(virsh, "resume", "saved");
            lab.awaitTicks("saved", 20);

            long later = lab.ticks("saved");
            ask(virsh, "destroy", "saved");
            Files.move(then.get(0), lab.disk("saved", "vda"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            Files.move(then.get(1), lab.disk("saved", "vdb"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            ask(virsh, "restore", memory.toString(), "--paused");
            lab.started("saved");
            assertThat(ask(virsh, "domstate", "saved")).isEqualTo("paused");
            ask(virsh, "resume", "saved");
            Awaitility.await().atMost(LibvirtLab.PATIENCE).until(() -> lab.ticks("saved") < later);
            lab.awaitTicks("saved", 20);
        }
    }

    /** E3. */
    @Test
    void eachStopAndEachResumeIsAnEventInItsOrder() throws Exception {
        try (Virsh virsh = virsh("heard", 0);
                Events events = events(virsh, "heard");
                Virsh person = lab.virsh()) {
            ask(virsh, "suspend", "heard");
            events.await("heard", "Suspended Paused");
            ask(person, "resume", "heard");
            ask(person, "suspend", "heard");
            ask(virsh, "resume", "heard");
            events.await("heard", "Suspended Paused", "Resumed Unpaused", "Suspended Paused", "Resumed Unpaused");
        }
    }

    /** E3: what libvirt makes of a suspension and a save that are asked for at once, whichever comes first. */
    @Test
    void aSuspensionBesideASaveIsKept() throws Exception {
        try (Virsh virsh = virsh("within", 0);
                Events events = events(virsh, "within");
                Virsh other = lab.virsh()) {
            Path memory = lab.root.resolve("within.memory");
            String file = manualSnapshot("within", memory).toString();
            CompletableFuture<String> saving = CompletableFuture.supplyAsync(() -> {
                try {
                    return ask(other, "snapshot-create", "within", file, "--no-metadata", "--live");
                } catch (VirshException e) {
                    return String.valueOf(e.getMessage());
                }
            });
            ask(virsh, "suspend", "within");
            String said = saving.get(1, TimeUnit.MINUTES);
            System.out.printf(
                    "E3: a save says \"%s\", then the domain is %s, after %s%n",
                    said, ask(virsh, "domstate", "--reason", "within"), events.of("within"));
            assertThat(ask(virsh, "domstate", "within")).isEqualTo("paused");
            ask(virsh, "resume", "within");
            lab.awaitTicks("within", 5);
        }
    }

    /** E11: for storage that cannot clone. */
    @Test
    void aBackupThatBeginsWhileADomainIsSuspendedIsOfThatMomentAlthoughItRunsOn() throws Exception {
        try (Virsh virsh = virsh("pushed", 128)) {
            ask(virsh, "suspend", "pushed");
            List<Path> then = copies("pushed");
            long start = System.nanoTime();
            ask(virsh, "backup-begin", "pushed", backup("pushed").toString());
            long begun = (System.nanoTime() - start) / 1_000_000;
            assertThat(ask(virsh, "domstate", "--reason", "pushed")).isEqualTo(PAUSED);
            ask(virsh, "resume", "pushed");
            String underWay = ask(virsh, "domjobinfo", "pushed");
            lab.awaitTicks("pushed", 1);
            awaitNoJob(virsh, "pushed");
            assertThat(ask(virsh, "domjobinfo", "pushed", "--completed")).contains("Completed", "Backup");
            System.out.printf("E11: backup-begin took %d ms; after the resume: %s%n", begun, underWay);
            lab.awaitTicks("pushed", 5);
            assertThat(LibvirtLab.run(
                            "qemu-img",
                            "compare",
                            then.get(0).toString(),
                            target("pushed", "vda").toString()))
                    .contains("identical");
            assertThat(Files.mismatch(then.get(1), target("pushed", "vdb"))).isEqualTo(-1);
            Awaitility.await("the guest writes to its disk")
                    .atMost(LibvirtLab.PATIENCE)
                    .until(() -> Files.mismatch(then.get(1), lab.disk("pushed", "vdb")) != -1);
            assertThat(ask(virsh, "domblklist", "pushed"))
                    .contains(
                            lab.disk("pushed", "vda").toString(),
                            lab.disk("pushed", "vdb").toString());
        }
    }

    /** E11: what becomes of one that is given up. */
    @Test
    void aBackupThatIsAbortedLeavesTheDomainAsItWas() throws Exception {
        try (Virsh virsh = virsh("ended", 128)) {
            ask(virsh, "suspend", "ended");
            ask(virsh, "backup-begin", "ended", backup("ended").toString());
            ask(virsh, "resume", "ended");
            try {
                ask(virsh, "domjobabort", "ended");
            } catch (VirshException e) {
                assertThat(e).as("it was over already").hasMessageContaining("no job is active");
            }
            assertThat(ask(virsh, "domstate", "ended")).isEqualTo("running");
            awaitNoJob(virsh, "ended");
            lab.awaitTicks("ended", 5);
        }
    }
}
