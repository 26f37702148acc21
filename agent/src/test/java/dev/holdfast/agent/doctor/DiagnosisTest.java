package dev.holdfast.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.doctor.Check.Verdict;
import dev.holdfast.agent.doctor.HostFacts.FileState;
import dev.holdfast.agent.doctor.HostFacts.Program;
import dev.holdfast.agent.doctor.HostFacts.Rule;
import dev.holdfast.agent.doctor.HostFacts.Space;
import dev.holdfast.agent.doctor.HostFacts.Unit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Each kind of trouble, as facts: what is said of it. */
class DiagnosisTest {
    private static final long GIB = 1L << 30;
    private static final long MILLI = 1_000_000L;

    private static HostFacts host(List<FileState> files, List<Space> spaces, List<Unit> units, List<Program> programs) {
        return new HostFacts(
                "n1",
                List.of(),
                files,
                spaces,
                units,
                programs,
                "6.1.0",
                Optional.of(true),
                Optional.empty(),
                Optional.of(true));
    }

    private static List<Check> userMode(boolean fuse, boolean amx) {
        HostFacts facts = new HostFacts(
                "n1",
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                "6.1.0",
                Optional.empty(),
                Optional.of(new HostFacts.UmlHost(fuse, amx)),
                Optional.of(true));
        return HostDiagnosis.of(facts).stream()
                .filter(check -> check.subject().equals("User-Mode Linux"))
                .toList();
    }

    private static Check only(List<Check> checks) {
        List<Check> unwell =
                checks.stream().filter(check -> check.verdict() != Verdict.OK).toList();
        assertThat(unwell).hasSize(1);
        assertThat(unwell.get(0).remedy()).isNotEmpty();
        return unwell.get(0);
    }

    private static Check file(Rule rule, String mode) {
        return only(HostDiagnosis.of(host(
                List.of(new FileState("/etc/x", "a thing", rule, Optional.ofNullable(mode))),
                List.of(),
                List.of(),
                List.of())));
    }

    private static Check space(long usable, long total, long needed) {
        return only(HostDiagnosis.of(
                host(List.of(), List.of(new Space("/srv", "disks", usable, total, needed)), List.of(), List.of())));
    }

    @Test
    void aHostThatIsWellHasNothingButGoodNews() {
        List<Check> checks = HostDiagnosis.of(host(
                List.of(
                        new FileState("/etc/k", "key", Rule.SECRET, Optional.of("rw-------")),
                        new FileState("/etc/s", "secret", Rule.SECRET, Optional.of("rw---x---")),
                        new FileState("/run/holdfast", "sockets", Rule.NO_OTHERS, Optional.of("rwx--x--x")),
                        new FileState("/etc/t", "text", Rule.OWNER_WRITES, Optional.of("rw-r--r--"))),
                List.of(new Space("/srv", "disks", 50 * GIB, 100 * GIB, GIB)),
                List.of(new Unit("holdfast", "active")),
                List.of(new Program("qemu-system-x86_64", "guests", Optional.of("QEMU emulator version 7.2.9")))));
        assertThat(checks).hasSize(11).allMatch(check -> check.verdict() == Verdict.OK);
    }

    @Test
    void permissionsAreJudgedByWhatAFileIsFor() {
        assertThat(file(Rule.SECRET, "rw-r-----").text()).contains("can be read by others");
        assertThat(file(Rule.SECRET, "rw--w----").text()).contains("can be written by others");
        assertThat(file(Rule.NO_OTHERS, "rwxrwxrwx").text()).contains("open to everybody");
        assertThat(file(Rule.OWNER_WRITES, "rw-rw-r--").text()).contains("done as root");
        assertThat(file(Rule.SECRET, null).text()).contains("is not there");
    }

    @Test
    void spaceIsJudgedByWhatIsNeededOfIt() {
        assertThat(space(1 << 20, 100 * GIB, 0).verdict()).isEqualTo(Verdict.FAILED);
        assertThat(space(5 * GIB, 100 * GIB, 0).verdict()).isEqualTo(Verdict.WARNING);
        assertThat(space(5 * GIB, 6 * GIB, 8 * GIB).text()).contains("8192 MiB are needed");
    }

    @Test
    void servicesAndProgramsThatAreMissingAreNamed() {
        assertThat(only(HostDiagnosis.of(
                                host(List.of(), List.of(), List.of(new Unit("holdfast-guard", "failed")), List.of())))
                        .remedy())
                .contains("systemctl start holdfast-guard");
        assertThat(only(HostDiagnosis.of(host(
                                List.of(),
                                List.of(),
                                List.of(),
                                List.of(new Program("socat", "stop", Optional.empty())))))
                        .text())
                .contains("socat cannot be run");
        assertThat(only(HostDiagnosis.of(host(
                                List.of(),
                                List.of(),
                                List.of(),
                                List.of(new Program("qemu-system-x86_64", "", Optional.of("QEMU version 6.2.0"))))))
                        .text())
                .contains("older than 7.2");
    }

    @Test
    void aHostForUserModeLinuxHasFuseAndAProcessorThatItsKernelKnows() {
        assertThat(userMode(true, false)).hasSize(2).allMatch(check -> check.verdict() == Verdict.OK);
        assertThat(only(userMode(false, false))).satisfies(check -> {
            assertThat(check.verdict()).isEqualTo(Verdict.FAILED);
            assertThat(check.text()).contains("/dev/fuse cannot be used");
        });
        assertThat(only(userMode(true, true))).satisfies(check -> {
            assertThat(check.verdict()).isEqualTo(Verdict.WARNING);
            assertThat(check.text()).contains("AMX");
        });
    }

    @Test
    void kernelClockAndConfigurationAreJudged() {
        HostFacts old = new HostFacts(
                "n1",
                List.of("web.toml:3:1: no such key"),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                "5.4.0",
                Optional.of(false),
                Optional.empty(),
                Optional.of(false));
        assertThat(HostDiagnosis.of(old))
                .filteredOn(check -> check.verdict() != Verdict.OK)
                .extracting(Check::subject)
                .containsExactly("configuration", "kernel", "kernel", "clock");
    }

    private static ClusterFacts.Store store(long trip, List<String> silent, int servers) {
        return new ClusterFacts.Store(
                Optional.empty(), trip, 6000 * MILLI, silent, servers, Optional.of("n1"), Optional.empty());
    }

    private static final ClusterFacts WELL = cluster(store(2 * MILLI, List.of(), 3), Map.of("n2", "1"), List.of("n2"));

    private static ClusterFacts cluster(ClusterFacts.Store store, Map<String, String> nodes, List<String> reachable) {
        return new ClusterFacts(
                "n1",
                store,
                new TreeMap<>(nodes),
                reachable,
                Optional.empty(),
                new TreeMap<>(),
                Optional.empty(),
                Optional.of(true),
                1,
                List.of(),
                List.of());
    }

    private static ClusterFacts sick(Optional<String> guard, Optional<Boolean> fencing, long clock, int replicated) {
        return new ClusterFacts(
                "n1",
                WELL.store(),
                WELL.nodes(),
                WELL.reachable(),
                Optional.empty(),
                new TreeMap<>(Map.of("n2", clock)),
                guard,
                fencing,
                replicated,
                List.of(),
                List.of());
    }

    @Test
    void aClusterThatIsWellHasNothingButGoodNews() {
        assertThat(ClusterDiagnosis.of(WELL)).allMatch(check -> check.verdict() == Verdict.OK);
    }

    @Test
    void theStoreIsJudgedByItsQuorumAndItsHaste() {
        assertThat(only(ClusterDiagnosis.of(cluster(store(200 * MILLI, List.of(), 3), Map.of(), List.of())))
                        .verdict())
                .isEqualTo(Verdict.WARNING);
        assertThat(only(ClusterDiagnosis.of(cluster(store(3000 * MILLI, List.of(), 3), Map.of(), List.of())))
                        .verdict())
                .isEqualTo(Verdict.FAILED);
        assertThat(only(ClusterDiagnosis.of(cluster(store(MILLI, List.of("z3:2181"), 3), Map.of(), List.of())))
                        .verdict())
                .isEqualTo(Verdict.WARNING);
        assertThat(only(ClusterDiagnosis.of(cluster(store(MILLI, List.of("z2", "z3"), 3), Map.of(), List.of())))
                        .verdict())
                .isEqualTo(Verdict.FAILED);
        assertThat(only(ClusterDiagnosis.of(cluster(store(MILLI, List.of(), 1), Map.of(), List.of())))
                        .text())
                .contains("1 server:");
    }

    @Test
    void aNodeThatIsInTheStoreAloneIsCutOff() {
        assertThat(only(ClusterDiagnosis.of(
                                cluster(WELL.store(), Map.of("n1", "1", "n2", "1", "n3", "1"), List.of("n1", "n2"))))
                        .text())
                .endsWith("group channel: n3");
        assertThat(only(ClusterDiagnosis.of(cluster(WELL.store(), Map.of("n1", "1", "n2", "2"), List.of("n1", "n2"))))
                        .subject())
                .isEqualTo("versions");
    }

    @Test
    void guardFencingAndClocksAreJudged() {
        assertThat(only(ClusterDiagnosis.of(sick(Optional.of("refused"), Optional.of(true), 0, 0)))
                        .remedy())
                .contains("holdfast-guard");
        assertThat(only(ClusterDiagnosis.of(sick(Optional.empty(), Optional.of(false), 0, 2)))
                        .verdict())
                .isEqualTo(Verdict.FAILED);
        assertThat(only(ClusterDiagnosis.of(sick(Optional.empty(), Optional.of(false), 0, 0)))
                        .verdict())
                .isEqualTo(Verdict.WARNING);
        assertThat(only(ClusterDiagnosis.of(sick(Optional.empty(), Optional.of(true), -900 * MILLI, 0)))
                        .text())
                .contains("n2 is -900 ms");
    }

    @Test
    void imagesThatAnotherNodeWritesAndThisOneCannotReadAreNamed() {
        ClusterFacts keyless = new ClusterFacts(
                "n1",
                WELL.store(),
                WELL.nodes(),
                WELL.reachable(),
                Optional.empty(),
                WELL.clockOffsets(),
                Optional.empty(),
                Optional.of(true),
                1,
                List.of(),
                List.of("n2", "n3"));
        assertThat(only(ClusterDiagnosis.of(keyless))).satisfies(check -> {
            assertThat(check.verdict()).isEqualTo(Verdict.FAILED);
            assertThat(check.text()).contains("n2, n3");
            assertThat(check.remedy()).contains("memory_key_file");
        });
    }
}
