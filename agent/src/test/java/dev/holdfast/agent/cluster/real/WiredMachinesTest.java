package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two machines whose serial lines are wired to each other past the network. */
@Tag("qemu")
@Tag("cluster")
class WiredMachinesTest extends OnRealCluster {
    private static void wire(RealNode node, String chardev) throws IOException {
        require(node.run("vm", "stop", node.vm.name, "--force"));
        Path definition = node.home.resolve("vms/" + node.vm.name + ".toml");
        String words = "extra_args = [\"-chardev\", \"socket,id=wire," + chardev
                + "\", \"-device\", \"isa-serial,chardev=wire\"]\n[[disk]]";
        Files.writeString(definition, Files.readString(definition).replaceFirst("\\[\\[disk\\]\\]", words));
        node.agent.kill();
        node.agent.startAgain();
        await().atMost(RealCluster.BOUND)
                .until(() -> node.run("vm", "start", node.vm.name).exit() == 0);
    }

    @Test
    void cannotBeCapturedAtOneInstantExceptTheirDisks() throws IOException {
        int port = RealCluster.freePort();
        wire(cluster.n1(), "server=on,wait=off,host=127.0.0.1,port=" + port);
        wire(cluster.n2(), "host=127.0.0.1,port=" + port);
        cluster.awaitPresent();
        // QEMU takes the connection when its main loop comes to it: until then neither end can be told from the other.
        await().atMost(RealCluster.BOUND)
                .until(() -> cluster.n1()
                                .run("checkpoint", "create", GROUP + "@wired", "--dry-run")
                                .exit()
                        == 3);

        for (String dryRun : new String[] {"--dry-run", "--no-wait"}) {
            Told told = cluster.n1().run("checkpoint", "create", GROUP + "@wired", dryRun);
            assertThat(told.exit()).as(told.all()).isEqualTo(3);
            assertThat(told.err()).contains("web1 and web2 share the character device tcp 127.0.0.1:", "Separate them");
        }
        require(cluster.n1().run("checkpoint", "create", GROUP + "@disks", "--disk-only"));
        assertThat(cluster.n1().run("checkpoint", "list", GROUP).out()).doesNotContain("wired");
    }
}
