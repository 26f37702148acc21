package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * The answer to {@code vm.adopt}.
 *
 * @param file where the definition belongs
 * @param definition what it says
 * @param remarks what will not work with the machine, and why
 */
public record Adoption(String file, String definition, List<String> remarks) {

    /** Copies the list. */
    public Adoption {
        remarks = List.copyOf(remarks);
    }
}
