import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Looks at what is shipped: java -cp JARS Licences.java THIRD-PARTY JARS-DIRECTORY SBOM VERSION MADE. THIRD-PARTY, in the tree, names each
 * jar that is not ours, with its SHA-256 and its licence; it is a bill of materials of CycloneDX's Maven plugin with the rest left out, and
 * is written anew if MADE, the plugin's own, is there. Fails unless THIRD-PARTY and the directory agree to the byte and each
 * licence is one that may be. Writes the whole bill, SBOM, and a paragraph of Debian's copyright file for each jar. Only for the build.
 */
final class Licences {
    /** Those of SPDX that ask of us no more than to name them; another one is for a person to look at first. */
    private static final Set<String> ALLOWED = Set.of("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC");

    private static final String OURS = "dev.holdfast";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Licences() {}

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        Path thirdParty = Path.of(arguments[0]);
        Path jars = Path.of(arguments[1]);
        Path made = Path.of(arguments[4]);
        if (Files.exists(made)) {
            write(thirdParty, bill(essence(JSON.readTree(made.toFile()))));
            Files.delete(made);
        }
        List<String> problems = new ArrayList<>();
        List<String> paragraphs = new ArrayList<>();
        ArrayNode all = JSON.createArrayNode();
        TreeMap<String, JsonNode> named = new TreeMap<>();
        JSON.readTree(thirdParty.toFile()).path("components").forEach(component -> named.put(name(component), component));
        for (String file : shipped(jars)) {
            String digest = sha256(jars.resolve(file));
            JsonNode component = named.remove(file.replaceFirst("\\.(jar|pom)$", ""));
            if (file.startsWith("holdfast-")) {
                all.add(ours(file, arguments[3], digest));
            } else if (component == null) {
                problems.add(file + " is shipped, and " + thirdParty + " does not name it");
            } else {
                if (!digest.equals(component.path("hashes").path(0).path("content").asText())) {
                    problems.add(file + " is another one than " + thirdParty + " names: its SHA-256 is " + digest);
                }
                all.add(component);
                check(file, component, problems, paragraphs);
            }
        }
        named.keySet().forEach(name -> problems.add(thirdParty + " names " + name + ", which is not shipped"));
        if (!problems.isEmpty()) {
            problems.forEach(problem -> System.err.println("licences: " + problem));
            System.err.println("licences: of a new dependency, look at the"
                    + " licence and at what is known of it (SECURITY.md), then: mvn -Psbom package -Dskip.packages -DskipTests");
            System.exit(1);
        }
        write(Path.of(arguments[2]), bill(all));
        paragraphs.forEach(System.out::print);
    }

    private static String name(JsonNode component) {
        return component.path("name").asText() + "-" + component.path("version").asText();
    }

    private static TreeSet<String> shipped(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return new TreeSet<>(files.map(file -> file.getFileName().toString()).toList());
        }
    }

    private static String sha256(Path file) throws IOException, GeneralSecurityException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }

    /** What lasts of the plugin's bill: the components that are not ours, in order, without prose. */
    private static ArrayNode essence(JsonNode made) {
        TreeMap<String, ObjectNode> components = new TreeMap<>();
        for (JsonNode component : made.path("components")) {
            if (!component.path("group").asText().equals(OURS)) {
                ObjectNode kept = JSON.createObjectNode();
                for (String field : List.of("type", "bom-ref", "publisher", "group", "name", "version")) {
                    if (component.has(field)) {
                        kept.set(field, component.get(field));
                    }
                }
                for (JsonNode hash : component.path("hashes")) {
                    if (hash.path("alg").asText().equals("SHA-256")) {
                        kept.putArray("hashes").add(hash);
                    }
                }
                kept.set("licenses", component.path("licenses"));
                kept.set("purl", component.path("purl"));
                components.put(component.path("purl").asText(), kept);
            }
        }
        return JSON.createArrayNode().addAll(components.values());
    }

    private static ObjectNode ours(String file, String version, String digest) {
        ObjectNode component = JSON.createObjectNode().put("type", "library").put("group", OURS);
        component.put("name", file.replace("-" + version + ".jar", "")).put("version", version);
        component.putArray("hashes").addObject().put("alg", "SHA-256").put("content", digest);
        component.putArray("licenses").addObject().putObject("license").put("id", "Apache-2.0");
        return component;
    }

    private static ObjectNode bill(ArrayNode components) {
        ObjectNode bill = JSON.createObjectNode();
        bill.put("bomFormat", "CycloneDX").put("specVersion", "1.6").put("version", 1);
        bill.set("components", components);
        return bill;
    }

    private static void write(Path file, ObjectNode bill) throws IOException {
        DefaultPrettyPrinter lines = new DefaultPrettyPrinter();
        lines.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
        Files.writeString(file, JSON.writer(lines).writeValueAsString(bill) + "\n");
    }

    private static void check(String jar, JsonNode component, List<String> problems, List<String> paragraphs) {
        List<String> licences = new ArrayList<>();
        for (JsonNode choice : component.path("licenses")) {
            JsonNode licence = choice.path("license");
            licences.add(
                    choice.has("expression")
                            ? choice.path("expression").asText()
                            : licence.path("id").asText(licence.path("name").asText()));
        }
        if (licences.isEmpty()) {
            problems.add(jar + " does not say what its licence is");
        }
        for (String licence : licences) {
            if (!ALLOWED.contains(licence)) {
                problems.add(jar + " has the licence \"%s\"; allowed are %s".formatted(licence, new TreeSet<>(ALLOWED)));
            }
        }
        String by = component.path("publisher").asText(component.path("group").asText());
        paragraphs.add("%nFiles: usr/lib/holdfast/lib/%s%nCopyright: %s%nLicense: %s%n"
                .formatted(jar, by, String.join(" and ", licences)));
    }
}
