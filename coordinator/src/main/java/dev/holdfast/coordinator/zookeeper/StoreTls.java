package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.common.ClientX509Util;
import org.apache.zookeeper.common.X509Exception;
import org.apache.zookeeper.common.X509Util;

/**
 * How this node and the servers of the store prove to each other who they are, in PEM. A server's certificate must name the
 * host that was configured. Immutable.
 *
 * @param trust certificates of the authorities that sign servers
 * @param identity this node's certificate, those between it and its authority, and its private key (PKCS #8, not encrypted),
 *     in any order; none if the servers do not ask for it
 */
public record StoreTls(Path trust, Optional<Path> identity) {

    private static final String PEM = "PEM";
    private static final String NO_PASSWORD = "";
    private static final int LARGEST_FILE = 1 << 20;
    private static final Set<PosixFilePermission> OWNER_ONLY =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    /**
     * Looks into both files, so that an agent does not find out later.
     *
     * @throws IOException if one is missing, open to others or malformed; the message says what to do
     */
    public static StoreTls read(Path trust, Optional<Path> identity) throws IOException {
        requireCertificates(trust);
        if (identity.isPresent()) {
            requireIdentity(identity.get());
        }
        StoreTls tls = new StoreTls(trust, identity);
        tls.context();
        return tls;
    }

    private static void requireCertificates(Path trust) throws IOException {
        if (!text(trust).contains("-----BEGIN CERTIFICATE-----")) {
            throw new IOException(
                    trust + " holds no certificate in PEM (-----BEGIN CERTIFICATE-----); put the one of the"
                            + " authority into it that has signed the certificates of the ZooKeeper servers");
        }
        try {
            if (X509Util.loadTrustStore(trust.toString(), NO_PASSWORD, PEM).size() == 0) {
                throw new IOException(trust + " holds no certificate");
            }
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "a certificate in %s cannot be read (%s); look at it with: openssl x509 -noout -text -in %s"
                            .formatted(trust, e.getMessage(), trust),
                    e);
        }
    }

    private static void requireIdentity(Path identity) throws IOException {
        String text = text(identity);
        if (!OWNER_ONLY.containsAll(Files.getPosixFilePermissions(identity))) {
            throw new IOException(
                    ("%s holds a private key and can be read by others than its owner; run: chmod 600 %s, and"
                                    + " make a new key if others may have read it")
                            .formatted(identity, identity));
        }
        if (text.contains("-----BEGIN RSA PRIVATE KEY-----") || text.contains("-----BEGIN EC PRIVATE KEY-----")) {
            throw new IOException(
                    "the private key in %s is not in PKCS #8; convert it: openssl pkcs8 -topk8 -nocrypt -in OLD.key"
                            .formatted(identity));
        }
        if (text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")) {
            throw new IOException(
                    ("the private key in %s is encrypted, and nobody is there to type its password; decrypt it:"
                                    + " openssl pkey -in OLD.key, into a file with mode 0600")
                            .formatted(identity));
        }
        if (!text.contains("-----BEGIN PRIVATE KEY-----") || !text.contains("-----BEGIN CERTIFICATE-----")) {
            throw new IOException(
                    "%s must hold both, this node's certificate and its private key, in PEM: cat node.key node.crt"
                            .formatted(identity));
        }
        try {
            X509Util.loadKeyStore(identity.toString(), NO_PASSWORD, PEM);
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "the key or the certificate in %s cannot be read (%s); look at them with: openssl pkey -noout -check -in %s"
                            .formatted(identity, e.getMessage(), identity),
                    e);
        }
    }

    private static String text(Path file) throws IOException {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new IOException(file + " is missing, or not a file that this user can read");
        }
        if (Files.size(file) > LARGEST_FILE) {
            throw new IOException(file + " is too large for certificates");
        }
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    /** Only Netty's socket of ZooKeeper's client speaks TLS. For one client, not for the whole JVM. */
    void configure(ZKClientConfig config) {
        try (ClientX509Util names = new ClientX509Util()) {
            config.setProperty(ZKClientConfig.SECURE_CLIENT, "true");
            config.setProperty(
                    ZKClientConfig.ZOOKEEPER_CLIENT_CNXN_SOCKET, "org.apache.zookeeper.ClientCnxnSocketNetty");
            config.setProperty(names.getSslTruststoreLocationProperty(), trust.toString());
            config.setProperty(names.getSslTruststoreTypeProperty(), PEM);
            identity.ifPresent(file -> {
                config.setProperty(names.getSslKeystoreLocationProperty(), file.toString());
                config.setProperty(names.getSslKeystoreTypeProperty(), PEM);
            });
        }
    }

    /** The same as ZooKeeper's client makes for itself. */
    SSLContext context() throws IOException {
        try {
            KeyManager[] keys = identity.isEmpty()
                    ? new KeyManager[0]
                    : new KeyManager[] {X509Util.createKeyManager(identity.get().toString(), NO_PASSWORD, PEM)};
            TrustManager[] authorities = {
                X509Util.createTrustManager(trust.toString(), NO_PASSWORD, PEM, false, false, true, false, false, true)
            };
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys, authorities, null);
            return context;
        } catch (X509Exception | GeneralSecurityException e) {
            throw new IOException(
                    "%s%s cannot be used for TLS: %s"
                            .formatted(
                                    trust, identity.map(file -> " with " + file).orElse(""), e.getMessage()),
                    e);
        }
    }
}
