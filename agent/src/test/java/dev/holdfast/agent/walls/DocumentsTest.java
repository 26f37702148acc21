package dev.holdfast.agent.walls;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.control.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the documents point at is there: files, tests that show what is claimed, keys, error codes. */
class DocumentsTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern LINK = Pattern.compile("]\\(([^)#\\s]+)[^)]*\\)");
    private static final Pattern KEY = Pattern.compile(
            "\\.(?:text|texts|path|paths|duration|integer|size|flag|choice|name|table|tables|requiredText)\\(\\s*\"([a-z_]+)\"");
    private static final Pattern CLAIM = Pattern.compile("`([a-z][A-Za-z]{14,})`");

    @Test
    void everyLinkLeadsSomewhere() throws IOException {
        List<Path> documents = documents();
        assertThat(documents).hasSizeGreaterThan(10);
        for (Path document : documents) {
            assertThat(broken(document)).as("links of %s", document).isEmpty();
        }
    }

    @Test
    void aBrokenLinkIsFound(@TempDir Path directory) throws IOException {
        Path document = directory.resolve("a.md");
        Files.writeString(document, "See [this](a.md), [that](b.md) and [more](https://example.org).");
        assertThat(broken(document)).containsExactly("b.md");
    }

    @Test
    void theReadmeShowsTheLinesWithWhichPacemakerIsTested() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        List<String> used = Files.readAllLines(ROOT.resolve("deploy/lab/base.crm")).stream()
                .filter(line -> !line.matches("(primitive|location) w[23].*"))
                .toList();
        assertThat(used)
                .hasSizeGreaterThan(4)
                .allSatisfy(line -> assertThat(readme).contains("\n    " + line + "\n"));
    }

    @Test
    void everyTestThatTheProtocolsDocumentNamesIsThere() throws IOException {
        String tests = String.join("\n", sources());
        Matcher claims = CLAIM.matcher(Files.readString(ROOT.resolve("docs/protocol.md")));
        List<String> missing = new ArrayList<>();
        int named = 0;
        while (claims.find()) {
            named++;
            if (!tests.contains(" " + claims.group(1) + "(")) {
                missing.add(claims.group(1));
            }
        }
        assertThat(named).isGreaterThan(15);
        assertThat(missing).isEmpty();
    }

    @Test
    void everyKeyOfTheConfigurationIsDocumented() throws IOException {
        String document = Files.readString(ROOT.resolve("docs/configuration.md"));
        Path sources = Path.of("src/main/java/dev/holdfast/agent/config");
        Matcher keys = KEY.matcher(Files.readString(sources.resolve("NodeReader.java"))
                + Files.readString(sources.resolve("VmReader.java")));
        List<String> read = new ArrayList<>();
        while (keys.find()) {
            read.add(keys.group(1));
        }
        assertThat(read).hasSizeGreaterThan(25);
        assertThat(read)
                .allSatisfy(key -> assertThat(document)
                        .containsAnyOf("| `" + key + "`", ", `" + key + "`", "[" + key + "]", "[[" + key + "]]"));
    }

    @Test
    void everyErrorCodeIsDocumentedWithItsExitCode() throws IOException {
        String document = Files.readString(ROOT.resolve("docs/operations.md"));
        for (ErrorCode code : ErrorCode.values()) {
            assertThat(document)
                    .contains("| `" + code.word() + "` | " + code.exit().number() + " |");
        }
    }

    private static List<Path> documents() throws IOException {
        List<Path> documents = new ArrayList<>();
        try (Stream<Path> top = Files.list(ROOT);
                Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            Stream.concat(top, docs)
                    .filter(file -> file.toString().endsWith(".md"))
                    .forEach(documents::add);
        }
        return documents;
    }

    private static List<String> sources() throws IOException {
        List<String> sources = new ArrayList<>();
        for (String module : List.of("agent", "coordinator")) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test/java"))) {
                for (Path file :
                        files.filter(f -> f.toString().endsWith(".java")).toList()) {
                    sources.add(Files.readString(file));
                }
            }
        }
        return sources;
    }

    private static List<String> broken(Path document) throws IOException {
        List<String> broken = new ArrayList<>();
        Matcher links = LINK.matcher(Files.readString(document));
        while (links.find()) {
            String target = links.group(1);
            if (!target.contains("://") && !Files.exists(document.resolveSibling(target))) {
                broken.add(target);
            }
        }
        return broken;
    }
}
