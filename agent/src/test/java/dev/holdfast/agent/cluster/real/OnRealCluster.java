package dev.holdfast.agent.cluster.real;

import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A class of tests that share one cluster of their own. */
abstract class OnRealCluster {
    static RealCluster cluster;

    @BeforeAll
    static void start() throws IOException {
        cluster = new RealCluster();
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }
}
