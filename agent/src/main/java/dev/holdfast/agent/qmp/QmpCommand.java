package dev.holdfast.agent.qmp;

import java.util.Map;

/**
 * One command. Immutable as far as its arguments are.
 *
 * @param name as in QEMU's schema
 * @param arguments anything Jackson can write; maps, lists, strings, numbers, booleans. A null value is sent as null
 * @param outOfBand whether it overtakes what the main loop is busy with; only {@code yank}, {@code query-yank},
 *     {@code migrate-pause} and {@code migrate-recover} may
 */
public record QmpCommand(String name, Map<String, ?> arguments, boolean outOfBand) {
    /** A command without arguments. */
    public static QmpCommand of(String name) {
        return new QmpCommand(name, Map.of(), false);
    }

    /** A command with arguments. */
    public static QmpCommand of(String name, Map<String, ?> arguments) {
        return new QmpCommand(name, arguments, false);
    }
}
