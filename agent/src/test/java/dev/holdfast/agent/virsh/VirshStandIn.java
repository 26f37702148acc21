package dev.holdfast.agent.virsh;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A program in virsh's place. It obeys "echo" and shows what it reads, as virsh with readline does. What else it does, a test says. */
public final class VirshStandIn {
    private static final String PROGRAM = """
            while printf 'virsh # '; read -r line; do
              printf '%%s\\n' "$line"
              case $line in
                echo*) word=${line#echo }; printf '%%s' "$word" | tr -d \\' ;;
                %s
              esac
            done
            """;

    private VirshStandIn() {}

    /** @param cases of a shell, by the line that it reads */
    static String script(String cases) {
        return PROGRAM.formatted(cases);
    }

    /** What is called in its place. */
    public static List<String> in(Path directory, String cases) throws IOException {
        Path script = Files.writeString(directory.resolve("virsh"), script(cases));
        return List.of("sh", script.toString());
    }
}
