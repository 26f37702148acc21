package dev.holdfast.agent.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Table {@code [zookeeper]}: the store of decisions. Immutable.
 *
 * @param connect key {@code connect}, default {@code 127.0.0.1:2181}: {@code host:port} of each server, with commas.
 *     Fewer servers than the ensemble has: an outage of these looks like one of the whole
 * @param sessionTimeout key {@code session_timeout}, default {@code 6s}, more than 3 s ({@link LivenessCheck}), at most
 *     5 min. Too small: a stall of the JVM or the disk costs the coordinator its office. Too large: a dead coordinator is
 *     replaced only after that long
 * @param credentials key {@code credentials}, default {@code zookeeper.secret} beside {@code holdfast.toml}: a file only its
 *     owner may read (mode 0600), with one line {@code user:password}
 * @param closeRoot key {@code close_root}, default true: whether to close {@code /} and {@code /zookeeper} of the ensemble
 *     to everybody else. False only if other applications share it and its administrator has closed
 *     {@code /zookeeper/quota}
 * @param tls key {@code tls}, default false: whether to speak TLS with the servers, and how
 */
public record ZooKeeperSettings(
        String connect, Duration sessionTimeout, Path credentials, boolean closeRoot, Optional<Tls> tls) {

    /**
     * How to speak TLS.
     *
     * @param trust key {@code tls_trust}, default {@code zookeeper-ca.pem} beside {@code holdfast.toml}: certificates of the
     *     authorities that sign the servers' certificates, in PEM
     * @param identity key {@code tls_identity}, optional: a file only its owner may read (mode 0600), with this node's
     *     certificate and its private key in PEM. Servers with {@code ssl.clientAuth=need} let nobody in without
     */
    public record Tls(Path trust, Optional<Path> identity) {}
}
