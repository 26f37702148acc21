import dev.holdfast.agent.cli.Daemons;
import dev.holdfast.agent.cli.HoldfastCommand;
import dev.holdfast.agent.cli.ProcessEnvironment;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/** Writes a page of AsciiDoc for each command: java -cp JARS ManualPages.java DIRECTORY. Only for the build. */
final class ManualPages {
    private ManualPages() {}

    /** Nothing is run here, only described. */
    private static final class NoDaemons implements Daemons {
        @Override
        public int agent(Path configuration) {
            throw new UnsupportedOperationException("agent");
        }

        @Override
        public int zookeeper(ZooKeeperOptions options) {
            throw new UnsupportedOperationException("zookeeper");
        }

        @Override
        public int prime() {
            throw new UnsupportedOperationException("prime");
        }
    }

    public static void main(String[] args) throws IOException {
        var environment = new ProcessEnvironment(new NoDaemons(), InstantSource.system());
        var command = HoldfastCommand.commandLine(environment).getCommandSpec();
        System.exit(ManPageGenerator.generateManPage(new File(args[0]), null, new boolean[0], false, command));
    }
}
