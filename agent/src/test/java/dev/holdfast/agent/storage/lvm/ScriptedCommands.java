package dev.holdfast.agent.storage.lvm;

import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Answers as LVM has answered elsewhere, and notes what it is asked to change. One thread. */
final class ScriptedCommands implements Commands {
    private final Map<String, Optional<Ended>> answers = new LinkedHashMap<>();
    private final Map<String, Runnable> effects = new HashMap<>();
    final List<String> changes = new ArrayList<>();

    /** What LVM 2.03.16 printed in a guest. */
    static String recorded(String name) {
        try (InputStream file = ScriptedCommands.class.getResourceAsStream("/lvm/lvs-" + name + ".txt")) {
            if (file == null) {
                throw new IllegalArgumentException("nothing was recorded as " + name);
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A look at this group from now on shows this; no group is all of them. */
    ScriptedCommands shows(String group, String output) {
        return answers("lvs " + group, 0, output);
    }

    /** @param command its first word and its last one, which is empty where a look asks for everything */
    ScriptedCommands answers(String command, int status, String output) {
        answers.put(command, Optional.of(new Ended(status, output)));
        return this;
    }

    /** It does not end. */
    ScriptedCommands hangs(String command) {
        answers.put(command, Optional.empty());
        return this;
    }

    /** What else it does. */
    ScriptedCommands after(String command, Runnable effect) {
        effects.put(command, effect);
        return this;
    }

    private Optional<Ended> answer(List<String> command) {
        List<String> words = command.subList(command.indexOf("LVM_SUPPRESS_FD_WARNINGS=1") + 1, command.size());
        String last = words.get(words.size() - 1);
        String asked = words.get(0) + " " + (last.contains("vg_name,") ? "" : last);
        Optional<Ended> answer = answers.get(asked);
        if (answer == null) {
            throw new IllegalStateException("nobody expected \"" + asked + "\"");
        }
        effects.getOrDefault(asked, () -> {}).run();
        return answer;
    }

    @Override
    public Ended run(List<String> command, Duration bound) throws IOException {
        return answer(command).orElseThrow(() -> new IOException("it did not end within 5 s and was killed"));
    }

    @Override
    public Optional<Ended> finish(List<String> command, Duration patience) {
        changes.add(
                String.join(" ", command.subList(command.indexOf("LVM_SUPPRESS_FD_WARNINGS=1") + 1, command.size())));
        return answer(command);
    }
}
