package dev.holdfast.coordinator.protocol;

import java.util.regex.Pattern;

/**
 * The name of a node, a virtual machine, a group, a checkpoint or a snapshot. Names become file and znode names, so
 * this is the one place where they are checked. Immutable.
 *
 * @param value 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit, without {@code ..}
 */
public record Name(String value) implements Comparable<Name> {

    /** The longest name, in characters. */
    public static final int MAX_LENGTH = 64;

    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

    /** @throws IllegalArgumentException if the name does not have the form; the message is meant for the user */
    public Name {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("a name must not be empty");
        }
        if (value.length() > MAX_LENGTH) {
            throw new IllegalArgumentException("the name \"%s...\" has %d characters; at most %d are allowed"
                    .formatted(printable(value.substring(0, 16)), value.length(), MAX_LENGTH));
        }
        if (!FORM.matcher(value).matches() || value.contains("..")) {
            throw new IllegalArgumentException(
                    ("the name \"%s\" is not allowed; use letters, digits, '.', '-' and '_', "
                                    + "begin with a letter or digit, and do not use '..'")
                            .formatted(printable(value)));
        }
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    @Override
    public int compareTo(Name other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
