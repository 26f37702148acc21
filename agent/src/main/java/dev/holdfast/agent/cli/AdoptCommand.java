package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.Adoption;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code holdfast vm adopt}: shows the definition of a domain of libvirt, or writes it. */
@Command(
        name = "adopt",
        description =
                "Show what the definition of a domain of libvirt is. The domain stays libvirt's, and is not touched.")
final class AdoptCommand extends RemoteCommand {
    @Parameters(paramLabel = "DOMAIN", description = "its name or UUID")
    private String domain = "";

    @Option(names = "--name", paramLabel = "MACHINE", description = "how it is called here (as in libvirt)")
    private @Nullable Name name;

    @Option(names = "--group", paramLabel = "GROUP", description = "the group that it is to be a member of")
    private @Nullable Name group;

    @Option(names = "--yes", description = "write the definition on this node")
    private boolean write;

    @Override
    ControlCommand command() {
        return ControlCommand.VM_ADOPT;
    }

    @Override
    void arguments(Map<String, @Nullable Object> arguments) {
        arguments.put("domain", domain);
        arguments.put("name", name);
        arguments.put("group", group);
    }

    @Override
    void show(JsonObject answer) throws IOException {
        Adoption adoption = answer.as(Adoption.class);
        environment().out().print(adoption.definition());
        adoption.remarks().forEach(remark -> environment().err().println("holdfast: " + remark));
        Path file = Path.of(adoption.file());
        if (write) {
            write(file, adoption.definition());
            environment()
                    .err()
                    .println("Written to " + file + ". Do so on each node; then 'systemctl restart holdfast'.");
        } else {
            environment().err().println("This belongs into " + file + ", on each node; --yes writes it on this one.");
        }
    }

    /** Whole or not at all: half a definition is one that nobody can read, which holds back its group. */
    static void write(Path file, String definition) throws IOException {
        Path half = file.resolveSibling(file.getFileName() + ".half");
        try (FileChannel channel = FileChannel.open(
                half, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(definition.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        try {
            Files.createLink(file, half); // A rename would replace one that is there.
        } catch (FileAlreadyExistsException e) {
            throw new IOException(
                    file + " is there already, and is left as it is; remove it, or choose another --name", e);
        } finally {
            Files.deleteIfExists(half);
        }
    }
}
