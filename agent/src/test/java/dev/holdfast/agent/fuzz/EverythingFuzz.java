package dev.holdfast.agent.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;

/** All targets in one process, which costs the start of one only: the first byte says for which one the others are. */
public final class EverythingFuzz {
    private static final List<Method> TARGETS = targets();

    private EverythingFuzz() {}

    private static List<Method> targets() {
        try {
            return Target.all().stream().map(EverythingFuzz::entry).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Method entry(Target target) {
        try {
            return Class.forName(target.type()).getMethod("fuzzerTestOneInput", byte[].class);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(target + " is no target", e);
        }
    }

    public static void fuzzerTestOneInput(byte[] input) throws Throwable {
        if (input.length == 0) {
            return;
        }
        Method target = TARGETS.get(Math.floorMod(input[0], TARGETS.size()));
        try {
            target.invoke(null, (Object) Arrays.copyOfRange(input, 1, input.length));
        } catch (InvocationTargetException found) {
            throw found.getCause();
        }
    }
}
