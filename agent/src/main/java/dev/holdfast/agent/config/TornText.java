package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What can be told from the text of a definition that is no TOML, or not the right one. Errs to the safe side: who cannot
 * tell the group says so.
 */
final class TornText {
    private static final String SUFFIX = ".toml";
    private static final Pattern NAME = key("name");
    private static final Pattern GROUP = key("group");
    private static final Pattern WORD = Pattern.compile("[\"']?([A-Za-z0-9][A-Za-z0-9._-]*)[\"']?\\s*(#.*)?");

    private final Path file;
    private final String text;
    private final boolean readable;

    private TornText(Path file, String text, boolean readable) {
        this.file = file;
        this.text = text;
        this.readable = readable;
    }

    static TornText of(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > ConfigurationLoader.LARGEST_FILE) {
                return new TornText(file, "", false);
            }
            // Whatever the bytes are: ISO 8859-1 reads them all.
            return new TornText(file, Files.readString(file, StandardCharsets.ISO_8859_1), true);
        } catch (IOException e) {
            return new TornText(file, "", false);
        }
    }

    /** @param read what its keys say, empty if it is no TOML */
    BrokenDefinition broken(Optional<VmReader.Read> read, List<Problem> problems) {
        // Only if each key is a known one it is certain that none is a misspelt group.
        boolean wellFormed = read.isPresent() && read.get().keysAreKnown();
        SortedSet<Name> groups = new TreeSet<>();
        read.flatMap(VmReader.Read::group).ifPresent(groups::add);
        boolean unclear = !readable;
        Matcher lines = GROUP.matcher(text);
        while (lines.find()) {
            Optional<Name> group = name(lines.group(1));
            group.ifPresent(groups::add);
            unclear |= group.isEmpty();
        }
        unclear |= groups.isEmpty() && !wellFormed;
        return new BrokenDefinition(file, vm(), groups, unclear, problems);
    }

    private Optional<Name> vm() {
        Matcher lines = NAME.matcher(text);
        Optional<Name> written = lines.find() ? name(lines.group(1)) : Optional.empty();
        String fileName = file.getFileName().toString();
        return written.or(() -> name(fileName.substring(0, fileName.length() - SUFFIX.length())));
    }

    private static Optional<Name> name(String value) {
        Matcher word = WORD.matcher(value.strip());
        try {
            return word.matches() ? Optional.of(new Name(word.group(1))) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Pattern key(String key) {
        return Pattern.compile("^\\s*[\"']?" + key + "[\"']?\\s*[=:](.*)$", Pattern.MULTILINE);
    }
}
