package dev.holdfast.coordinator.zookeeper;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Greets a server by TLS as ZooKeeper's client does, which itself only says that there is no connection, and tells what is
 * wrong. Sends nothing else.
 */
final class TlsProbe {

    /** A certificate that the server wants or does not like is told after the handshake (RFC 8446, 4.4.2.4): wait so long. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final String RESTART = ", and restart holdfastd";

    private final StoreTls tls;

    TlsProbe(StoreTls tls) {
        this.tls = tls;
    }

    /**
     * What is found at a server.
     *
     * @param answers whether anybody listens there
     * @param problem what is wrong with TLS, if something is
     * @param certain whether it stays so until a person does something
     */
    record Finding(boolean answers, Optional<String> problem, boolean certain) {
        private static final Finding NOBODY = new Finding(false, Optional.empty(), false);
        private static final Finding FINE = new Finding(true, Optional.empty(), false);

        private static Finding wrong(String problem) {
            return new Finding(true, Optional.of(problem), true);
        }

        private static Finding doubt(String problem) {
            return new Finding(true, Optional.of(problem), false);
        }
    }

    /** @param server host and port */
    Finding look(String server) {
        int colon = server.lastIndexOf(':');
        String host = server.substring(0, colon).replaceAll("[\\[\\]]", "");
        int port = Integer.parseInt(server.substring(colon + 1));
        try (Socket plain = new Socket()) {
            int bound = Math.toIntExact(PATIENCE.toMillis());
            plain.connect(new InetSocketAddress(host, port), bound);
            plain.setSoTimeout(bound);
            return greet(plain, host, port);
        } catch (IOException nobody) {
            return Finding.NOBODY;
        }
    }

    private Finding greet(Socket plain, String host, int port) {
        try (SSLSocket socket = (SSLSocket) tls.context().getSocketFactory().createSocket(plain, host, port, true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            // It may hang up without a word: then it has no majority at present.
            socket.getInputStream().read();
            return Finding.FINE;
        } catch (SocketTimeoutException silent) {
            // It waits for the client's first word, or is busy.
            return Finding.FINE;
        } catch (IOException failed) {
            return told(failed, host, port);
        }
    }

    private Finding told(IOException failed, String host, int port) {
        String text = String.valueOf(failed.getMessage());
        String words = text.toLowerCase(Locale.ROOT);
        if (words.contains("received fatal alert") && !words.contains("protocol_version")) {
            return Finding.wrong(refused(host, port, text));
        }
        Optional<String> certificate = certificate(failed, host, port);
        if (certificate.isPresent()) {
            return Finding.wrong(certificate.get());
        }
        if (failed instanceof SocketException || has(failed, EOFException.class)) {
            // So does a server that has no majority yet.
            return Finding.doubt(
                    "%s:%d hangs up when it is greeted by TLS: it has no majority, or is no secureClientPort"
                            .formatted(host, port));
        }
        return Finding.wrong(("%s:%d does not speak TLS as this node does (%s); does zookeeper.connect name the"
                        + " secureClientPort of the server? Try: openssl s_client -connect %s:%d -CAfile %s")
                .formatted(host, port, text, host, port, tls.trust()));
    }

    private Optional<String> certificate(IOException failed, String host, int port) {
        String whose = "the certificate of the ZooKeeper server %s:%d".formatted(host, port);
        if (has(failed, CertificateExpiredException.class)) {
            return Optional.of(whose + ", or of its authority, has expired; renew it");
        }
        if (has(failed, CertificateNotYetValidException.class)) {
            return Optional.of(whose + " is not valid yet; compare the clocks of both hosts");
        }
        if (has(failed, CertPathBuilderException.class) || has(failed, CertPathValidatorException.class)) {
            return Optional.of(
                    ("%s is not signed by an authority in %s; put the certificate of the authority that signed it"
                                    + " there, or correct zookeeper.tls_trust%s. If nobody has changed it, somebody may be between"
                                    + " this node and the server")
                            .formatted(whose, tls.trust(), RESTART));
        }
        if (has(failed, CertificateException.class)) {
            return Optional.of(
                    ("%s is not made out to \"%s\" (%s); write the name it has into zookeeper.connect, or make it"
                                    + " anew with -addext subjectAltName=...")
                            .formatted(whose, host, failed.getMessage()));
        }
        return Optional.empty();
    }

    private String refused(String host, int port, String how) {
        return tls.identity()
                .map(file -> ("the ZooKeeper server %s:%d refuses the certificate of this node in %s (%s); its"
                                + " ssl.trustStore must have the authority that signed it, and it must not have expired")
                        .formatted(host, port, file, how))
                .orElseGet(() ->
                        ("the ZooKeeper server %s:%d wants a certificate of this node (%s); set zookeeper.tls_identity"
                                        + " to a file, mode 0600, with the certificate and its private key in PEM%s")
                                .formatted(host, port, how, RESTART));
    }

    private static boolean has(Throwable failed, Class<? extends Throwable> kind) {
        for (@Nullable Throwable cause = failed; cause != null; cause = cause.getCause()) {
            if (kind.isInstance(cause)) {
                return true;
            }
        }
        return false;
    }
}
