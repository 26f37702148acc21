package dev.holdfast.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.doctor.Check.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A certificate that ends is named while there is time. */
class CertificatesTest {
    /** Made with openssl; ends at 2027-12-26T22:42:22Z. Its key was thrown away. */
    private static final String CERTIFICATE = """
            -----BEGIN CERTIFICATE-----
            MIIBdTCCARugAwIBAgIUQ55ow0Js25aGMvo6JcvOagJa1jowCgYIKoZIzj0EAwIw
            EDEOMAwGA1UEAwwFc3RvcmUwHhcNMjYxMTIxMjI0MjIyWhcNMjcxMjI2MjI0MjIy
            WjAQMQ4wDAYDVQQDDAVzdG9yZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFKh
            i5d1goVWGrkVLgEgeLnKv7DhfY08USWMD4KivLHYhdmjwAr2Ir1LeANfPnX33aGq
            CPfeyESLIESnxRKydwmjUzBRMB0GA1UdDgQWBBRRJxi3tB7zJOwE3IbyzQkaT0mF
            BjAfBgNVHSMEGDAWgBRRJxi3tB7zJOwE3IbyzQkaT0mFBjAPBgNVHRMBAf8EBTAD
            AQH/MAoGCCqGSM49BAMCA0gAMEUCIHmizOBsnxtWZxsx7frKsBJ0243lg6l9LUGB
            iCJyGNVQAiEAmQ60BfQOxu5DAaEXRMiRUQbeOds5vcTB0TQEUvMJCQs=
            -----END CERTIFICATE-----
            """;

    @TempDir
    private Path root;

    private Path pem;

    @BeforeEach
    void write() throws IOException {
        // As tls_identity has it: a key stands beside it.
        pem = Files.writeString(
                root.resolve("node.pem"),
                "-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n" + CERTIFICATE);
    }

    private Optional<Check> at(String instant) {
        return Certificates.check("n1", pem, Instant.parse(instant));
    }

    @Test
    void isWellForLongThenAWarningThenAFailure() {
        assertThat(at("2027-11-01T00:00:00Z")).map(Check::verdict).contains(Verdict.OK);
        assertThat(at("2027-12-01T00:00:00Z")).hasValueSatisfying(check -> {
            assertThat(check.verdict()).isEqualTo(Verdict.WARNING);
            assertThat(check.text()).contains(pem.toString(), "2027-12-26");
            assertThat(check.remedy()).contains("restart");
        });
        assertThat(at("2027-12-27T00:00:00Z")).map(Check::verdict).contains(Verdict.FAILED);
    }

    @Test
    void whatCannotBeReadIsUnknown() throws IOException {
        Files.writeString(pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assertThat(at("2027-12-01T00:00:00Z")).map(Check::verdict).contains(Verdict.UNKNOWN);
        Files.delete(pem);
        assertThat(at("2027-12-01T00:00:00Z")).map(Check::verdict).contains(Verdict.UNKNOWN);
    }
}
