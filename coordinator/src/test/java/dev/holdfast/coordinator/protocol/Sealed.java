package dev.holdfast.coordinator.protocol;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Lists the leaves of a sealed hierarchy, so that a test notices a new variant that it has no line for. */
final class Sealed {

    private Sealed() {}

    /** Simple names of all records below a sealed interface. */
    static Set<String> leaves(Class<?> root) {
        Set<String> names = new TreeSet<>();
        classes(root).forEach(leaf -> names.add(leaf.getSimpleName()));
        return names;
    }

    private static Stream<Class<?>> classes(Class<?> type) {
        return type.isSealed()
                ? Arrays.stream(type.getPermittedSubclasses()).flatMap(Sealed::classes)
                : Stream.of(type);
    }
}
