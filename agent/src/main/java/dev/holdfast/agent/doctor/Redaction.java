package dev.holdfast.agent.doctor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Takes secrets out of texts, in two ways at once: every value that is known to be one, wherever it stands, and everything that
 * looks like one by the word before it. Rather too much than too little. Immutable.
 */
public final class Redaction {

    /** What stands in a secret's place. */
    public static final String MARK = "[removed]";

    /** Shorter words would take ordinary text with them; nobody should have such a password, and the second way finds it. */
    private static final int SHORTEST = 6;

    private static final Pattern PRIVATE_KEY = Pattern.compile(
            "-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\\z)", Pattern.DOTALL);

    /** A path in quotes at the end of a line is no secret: {@code key = "/etc/holdfast/channel.key"}. */
    private static final Pattern NAMED = Pattern.compile(
            "(?i)([\\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|\\bkey|\\bdata)[\\w.-]*\"?\\s*[=:]\\s*)"
                    + "(?!\\s*\"/[\\w./-]+\"\\s*(?:[\\n#]|\\z))(\"[^\"\\n]*\"|'[^'\\n]*'|[^\\s,\"']+)");

    private static final Pattern ADDRESS = Pattern.compile("(\\w+://[^\\s/:@]+:)[^\\s/@]+@");

    private final List<String> known;

    /**
     * @param secrets the contents of secret files; each line, and each side of a colon in it, is a secret of its own
     */
    public Redaction(List<String> secrets) {
        List<String> words = new ArrayList<>();
        for (String secret : secrets) {
            words.add(secret.strip());
            secret.lines().map(String::strip).forEach(line -> {
                words.add(line);
                int colon = line.indexOf(':');
                if (colon >= 0) {
                    words.add(line.substring(colon + 1));
                }
            });
        }
        words.removeIf(word -> word.length() < SHORTEST);
        // The longest first: a part that was replaced would hide the whole.
        words.sort(Comparator.comparingInt(String::length).reversed());
        this.known = List.copyOf(words);
    }

    /** The text without secrets. */
    public String of(String text) {
        String clean = PRIVATE_KEY.matcher(text).replaceAll(MARK);
        for (String secret : known) {
            clean = clean.replace(secret, MARK);
        }
        clean = ADDRESS.matcher(clean).replaceAll("$1" + MARK + "@");
        return NAMED.matcher(clean).replaceAll("$1" + MARK);
    }
}
