package dev.holdfast.agent.doctor;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** When the certificates for ZooKeeper end: from then on no new session begins. Stateless. */
final class Certificates {
    private static final Duration SOON = Duration.ofDays(30);
    private static final String SUBJECT = "certificates";

    /** A private key may stand in the same file. */
    private static final Pattern BLOCK = Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");

    private Certificates() {}

    /** What is to be said of one PEM file. That it cannot be used at all is the configuration's affair. */
    static Optional<Check> check(String node, Path file, Instant now) {
        try {
            return earliest(file).map(end -> judge(node, file, end, now));
        } catch (IOException | CertificateException e) {
            return Optional.of(Check.unknown(
                    node,
                    SUBJECT,
                    file + " cannot be read: " + e.getMessage(),
                    "look at it with 'openssl x509 -text'"));
        }
    }

    private static Check judge(String node, Path file, Instant end, Instant now) {
        String text = "a certificate in %s ends at %s".formatted(file, end);
        String remedy =
                "put a new one into the file on each node (that of an authority beside the old one until all hosts"
                        + " have new ones), then systemctl restart holdfast: machines run on";
        if (end.isBefore(now)) {
            return Check.failed(node, SUBJECT, text + ", and that is over", remedy);
        }
        return end.isBefore(now.plus(SOON))
                ? Check.warning(node, SUBJECT, text, remedy)
                : Check.ok(node, SUBJECT, text);
    }

    private static Optional<Instant> earliest(Path file) throws IOException, CertificateException {
        List<Instant> ends = new ArrayList<>();
        Matcher blocks = BLOCK.matcher(Files.readString(file));
        while (blocks.find()) {
            InputStream pem = new ByteArrayInputStream(blocks.group().getBytes(StandardCharsets.US_ASCII));
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                if (each instanceof X509Certificate certificate) {
                    ends.add(certificate.getNotAfter().toInstant());
                }
            }
        }
        return ends.stream().min(Instant::compareTo);
    }
}
