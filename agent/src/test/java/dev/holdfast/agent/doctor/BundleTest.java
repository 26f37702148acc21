package dev.holdfast.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is given away holds what helps, and no secret. */
class BundleTest {
    private static final String PASSWORD = "correct-horse-battery";
    private static final String CHANNEL_KEY = "9f86d081884c7d659a2feaa0c55ad015";
    private static final String MEMORY_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    private static final String OLD_MEMORY_KEY = "b2xkZXI2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
    private static final String DISK_PASSPHRASE = "open/sesame+today";

    @TempDir
    private Path root;

    private Path configuration;
    private Path file;

    @BeforeEach
    void configure() throws IOException {
        file = root.resolve("bundle.tar.gz");
        Files.writeString(root.resolve("zookeeper.secret"), "holdfast:" + PASSWORD + "\n");
        Files.writeString(root.resolve("channel.key"), CHANNEL_KEY + "\n");
        Files.writeString(root.resolve("memory.key"), MEMORY_KEY + "\n");
        Files.writeString(root.resolve("old-memory.key"), OLD_MEMORY_KEY + "\n");
        configuration = Files.writeString(root.resolve("holdfast.toml"), """
                node = "n1"
                run_dir = "%1$s"
                # the password was %2$s once
                [zookeeper]
                connect = "z1:2181"
                credentials = "%1$s/zookeeper.secret"
                [channel]
                bind_address = "10.0.0.1"
                key = "%1$s/channel.key"
                [checkpoint]
                memory_key_file = "%1$s/memory.key"
                old_memory_key_files = ["%1$s/old-memory.key"]
                """.formatted(root, PASSWORD));
        Files.createDirectories(root.resolve("vms"));
        Files.writeString(
                root.resolve("vms/web.toml"),
                "name = \"web\"\nextra_args = [\"-object\", \"secret,id=s0,data=" + DISK_PASSPHRASE + "\"]\n");
    }

    private String written() throws IOException {
        Path logs = Files.writeString(
                root.resolve("logs"),
                "n1 says hello\nauth failed for holdfast:" + PASSWORD + "\nkey " + CHANNEL_KEY
                        + "\n" + MEMORY_KEY + " " + OLD_MEMORY_KEY
                        + "\n-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\nlast line\n");
        Bundle bundle = new Bundle(configuration, List.of("cat", logs.toString()));
        bundle.add("answers/doctor.json", "{\"token\": \"abc123\", \"text\": \"all is well\"}");
        bundle.write(file, Instant.EPOCH);
        try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void holdsWhatHelps() throws IOException {
        assertThat(written())
                .contains("bind_address = \"10.0.0.1\"", "connect = \"z1:2181\"", "name = \"web\"")
                .contains("n1 says hello", "last line", "all is well")
                .contains("credentials = \"" + root + "/zookeeper.secret\"");
    }

    @Test
    void holdsNoSecret() throws IOException {
        assertThat(written())
                .doesNotContain(
                        PASSWORD,
                        CHANNEL_KEY,
                        MEMORY_KEY,
                        OLD_MEMORY_KEY,
                        DISK_PASSPHRASE,
                        "sesame",
                        "MIIabc",
                        "abc123")
                .contains(Redaction.MARK);
    }

    @Test
    void isAnArchiveThatOnlyItsOwnerReadsAndOverwritesNothing() throws IOException {
        written();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        BoundedProcess.Ended listed = BoundedProcess.run(
                List.of("tar", "--list", "--gzip", "--file", file.toString()), Duration.ofMinutes(1));
        assertThat(listed.status()).as(listed.output()).isZero();
        assertThat(listed.output().lines())
                .contains("holdfast-bundle/etc/holdfast.toml", "holdfast-bundle/etc/vms/web.toml")
                .contains("holdfast-bundle/logs/journal.txt", "holdfast-bundle/answers/doctor.json")
                .noneMatch(name -> name.contains("secret") || name.contains(".key"));
        assertThatThrownBy(this::written).isInstanceOf(FileAlreadyExistsException.class);
    }

    @Test
    void ordinaryTextStaysAsItIs() {
        Redaction redaction = new Redaction(List.of("user:long-enough"));
        assertThat(redaction.of("round r1 of shop@daily: token r1, 5 keys, key = \"/etc/holdfast/channel.key\"\n"))
                .isEqualTo("round r1 of shop@daily: token r1, 5 keys, key = \"/etc/holdfast/channel.key\"\n");
        assertThat(redaction.of("http://user:pw@host/ password=x,next=1"))
                .isEqualTo("http://user:[removed]@host/ password=[removed],next=1");
    }
}
