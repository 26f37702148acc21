package dev.holdfast.agent.hypervisor.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Ended;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Flag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With scripts in place of xl, which say what xl of Xen 4.17 says; {@code XlInXen} has the real one. */
class XlTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String HEADER =
            "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID                            Reason-Code\tSecurity Label";
    private static final String FIRST =
            "Domain-0                                     0  1024     2     r-----      58.7 00000000-0000-0000-0000-000000000000        -                -";
    private static final String PAUSED =
            "g1                                           1   128     1     --p---       6.5 db806120-6058-41f4-93d8-6b922e4deb34        -                -";

    @TempDir
    private Path directory;

    private Xl xl(String script) throws IOException {
        return xl(script, PATIENCE);
    }

    private Xl xl(String script, Duration bound) throws IOException {
        Path file = directory.resolve("xl");
        Files.writeString(file, "#!/bin/sh\necho \"$*\" >> " + directory + "/calls\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return new Xl(file.toString(), bound, bound);
    }

    private Xl saying(String... lines) throws IOException {
        Path said = directory.resolve("said");
        Files.write(said, List.of(lines));
        return xl("cat " + said);
    }

    private static void fails(Kind kind, String words, ThrowingCallable call) {
        assertThatThrownBy(call)
                .hasMessageContaining(words)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void tellsEachDomain() throws Exception {
        Xl xl = saying(HEADER, FIRST, PAUSED);
        assertThat(xl.list())
                .containsExactly(
                        new XlDomain(
                                Optional.of("Domain-0"),
                                0,
                                "00000000-0000-0000-0000-000000000000",
                                Set.of(Flag.RUNNING),
                                587,
                                Optional.empty()),
                        new XlDomain(
                                Optional.of("g1"),
                                1,
                                "db806120-6058-41f4-93d8-6b922e4deb34",
                                Set.of(Flag.PAUSED),
                                65,
                                Optional.empty()));
        assertThat(xl.find("g1")).map(XlDomain::id).contains(1);
        assertThat(xl.find("g")).isEmpty();
        assertThat(directory.resolve("calls")).content().startsWith("list -v\n");
    }

    @Test
    void tellsWhyAGuestHasEnded() {
        assertThat(ended("0")).contains(Ended.POWEROFF);
        assertThat(ended("1")).contains(Ended.REBOOT);
        assertThat(ended("2")).contains(Ended.SUSPEND);
        assertThat(ended("3")).contains(Ended.CRASH);
        assertThat(ended("5")).contains(Ended.SOFT_RESET);
        assertThat(ended("6")).contains(Ended.OTHER);
        assertThat(ended("ff")).contains(Ended.OTHER);
        assertThat(ended("-")).isEmpty();
    }

    private static Optional<Ended> ended(String code) {
        return XlDomain.parse(PAUSED.replace("--p---", "---s--").replace("        -  ", "        " + code + "  "))
                .orElseThrow()
                .ended();
    }

    @Test
    void namesMayBeLongHaveBlanksOrBeAbsent() {
        String rest = PAUSED.substring(40);
        assertThat(XlDomain.parse("a name 1 2 with numbers and far more than forty characters" + rest))
                .flatMap(XlDomain::name)
                .contains("a name 1 2 with numbers and far more than forty characters");
        XlDomain dying =
                XlDomain.parse("(null)  " + rest.replace("--p---", "--ps-d")).orElseThrow();
        assertThat(dying.name()).isEmpty();
        assertThat(dying.is(Flag.DYING)).isTrue();
        assertThat(dying.is(Flag.CRASHED)).isFalse();
    }

    @Test
    void whatCannotBeReadIsUnknown() throws Exception {
        Xl torn = saying(HEADER, FIRST, PAUSED.substring(0, 60));
        fails(Kind.UNKNOWN, "says what cannot be read: \"g1  ", torn::list);
        Xl complains = saying("libxl: error: cannot\u001bopen", HEADER, FIRST);
        fails(Kind.UNKNOWN, "\"libxl: error: cannot open\"", complains::list);
        Xl silent = saying(HEADER);
        fails(Kind.UNKNOWN, "not even its own; does xenstored run?", silent::list);
        Xl fails = xl("echo 'xencall: error: Could not obtain handle' >&2; exit 1");
        fails(Kind.UNKNOWN, "exit status 1: xencall: error: Could not obtain handle", fails::list);
    }

    @Test
    void aHostWithoutXlIsToldSo() {
        Xl absent = new Xl(directory.resolve("absent").toString(), PATIENCE, PATIENCE);
        fails(Kind.UNKNOWN, "cannot be started; is the package that contains it installed?", absent::list);
        fails(Kind.UNKNOWN, "Does this host run under Xen", () -> absent.pause(1));
    }

    @Test
    void oneThatHangsIsKilledAndNothingIsKnown() throws Exception {
        Path pid = directory.resolve("pid");
        Xl hangs = xl("echo $$ > " + pid + "; exec sleep 1000", Duration.ofSeconds(2));
        fails(Kind.UNKNOWN, "was killed", () -> hangs.unpause(3));
        long process = Long.parseLong(Files.readString(pid).strip());
        Awaitility.await().until(() -> ProcessHandle.of(process).isEmpty());
    }

    @Test
    void tellsADomainByItsNumber() throws Exception {
        Xl xl = xl("");
        xl.createPaused(Path.of("/run/web.cfg"));
        xl.pause(7);
        xl.unpause(7);
        xl.shutdown(7);
        xl.rename(7, "web");
        xl.destroy(7);
        assertThat(directory.resolve("calls"))
                .content()
                .isEqualTo("create -e -p /run/web.cfg\npause 7\nunpause 7\nshutdown 7\nrename 7 web\ndestroy 7\n");
    }

    /** Observed with xl 4.17: exit status 0 although the domain was not there, or not paused. */
    @Test
    void aPauseThatComplainsHasFailedWhateverItsExitStatus() throws Exception {
        Xl xl = xl(
                "echo 'libxl: error: libxl_domain.c:587:libxl_domain_pause: Domain 77:Pausing domain: No such process' >&2");
        fails(Kind.FAILED, "Domain 77:Pausing domain: No such process", () -> xl.pause(77));
        fails(Kind.FAILED, "\"" + directory.resolve("xl") + " unpause\" failed", () -> xl.unpause(77));
    }

    @Test
    void whatXlSaysOfAFailureIsHandedOn() throws Exception {
        Xl xl = xl("echo 'Parsing config from x'; echo 'libxl: error: out of memory' >&2; exit 3");
        fails(
                Kind.FAILED,
                "exit status 3: Parsing config from x libxl: error: out of memory",
                () -> xl.createPaused(Path.of("/x")));
        Xl silent = xl("exit 1");
        fails(Kind.FAILED, "it says nothing", () -> silent.destroy(2));
    }
}
