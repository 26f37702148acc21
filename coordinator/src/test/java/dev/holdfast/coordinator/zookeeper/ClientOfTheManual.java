package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.zookeeper.ZooKeeperMain;

/** Does to a store what {@code docs/security.md} tells people to do by hand, with the very lines of that page. */
final class ClientOfTheManual {

    private static final Path MANUAL = Path.of("..", "docs", "security.md");

    private ClientOfTheManual() {}

    private static String only(String pattern) throws IOException {
        List<String> found = Pattern.compile(pattern, Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(Files.readString(MANUAL))
                .results()
                .map(match -> match.group(1))
                .toList();
        if (found.size() != 1) {
            throw new IOException("%s has not one place like %s but %d".formatted(MANUAL, pattern, found.size()));
        }
        return found.get(0);
    }

    private static String shell(String commands) throws IOException {
        return TlsEnsemble.run(Path.of("."), commands);
    }

    /** Makes new secrets in a directory. */
    static void makeSecrets(Path directory) throws IOException {
        for (String file : List.of("channel\\.key", "zookeeper\\.secret")) {
            shell(only("^ +(\\(umask 077; [^\n]*" + file + "\\))$").replace("/etc/holdfast", directory.toString()));
        }
    }

    /** Gives what is in a store to another password; answers what ZooKeeper's client said. */
    static String changePassword(String connect, Credentials old, Credentials next) throws IOException {
        String hash = shell(only("`(printf [^`]*)`").replace("NEW", text(next))).strip();
        String lines = only("^( +zkCli\\.sh -server n1:2181\n(?: +(?:addauth|setAcl) [^\n]*\n)+)")
                .replace("OLD", text(old))
                .replace("NEW", text(next))
                .replace("HASH", hash);
        return typed(List.of(), connect, lines);
    }

    /** How the client is called where the servers speak TLS; answers what it said to the line that is typed then. */
    static String typedByTls(String connect, Path home, String line) throws IOException {
        String flags = only("^ +export CLIENT_JVMFLAGS=\"([^\"]*)\"").replace("/etc/holdfast", home.toString());
        return typed(List.of(flags.split("\\s+")), connect, "zkCli.sh\n" + line + "\n");
    }

    /** The first line calls the client, as {@code zkCli.sh} does; the others are typed. */
    private static String typed(List<String> flags, String connect, String lines) throws IOException {
        String[] all = lines.strip().split("\n");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(flags);
        command.addAll(List.of(ZooKeeperMain.class.getName(), "-server", connect));
        Process client = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var keyboard = client.outputWriter(StandardCharsets.UTF_8)) {
            for (String line : Arrays.asList(all).subList(1, all.length)) {
                keyboard.write(line.strip() + "\n");
            }
            keyboard.write("quit\n");
        }
        return new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static String text(Credentials credentials) {
        return new String(credentials.digest(), StandardCharsets.UTF_8);
    }
}
