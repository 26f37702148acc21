package dev.holdfast.agent.faults;

import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the points of {@link Seam} between the rules and what carries out their effects. Whoever wants a fault at a point makes the
 * file {@code armed/POINT} in a directory; the first thread to come there moves it to {@code reached/POINT}, and does what it says:
 *
 * <ul>
 *   <li>{@code hold} - waits until somebody takes the file away, for 20 s at most. Meanwhile anything can be done to anybody.
 *   <li>{@code halt} - ends the process at once, as kill -9 does.
 *   <li>{@code fail} - the call fails as if the disk did, if it may throw an {@link IOException}; otherwise it goes on.
 * </ul>
 *
 * Thread-safe.
 */
public final class FaultPoints {
    /** Names the directory. Nobody but a test may set it. */
    public static final String PROPERTY = "holdfast.faults";

    static final String DONE = ".done";

    private static final Logger LOG = LoggerFactory.getLogger(FaultPoints.class);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long HOLD_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final int KILLED = 137;

    private final @Nullable Path directory;

    private FaultPoints(@Nullable Path directory) {
        this.directory = directory;
    }

    /** @param directory what {@link #PROPERTY} says; without it there are no points */
    public static FaultPoints in(Optional<Path> directory) {
        if (directory.isPresent()) {
            LOG.warn("this agent can be stopped at any point of its protocol from {}: for tests only", directory.get());
        }
        return new FaultPoints(directory.orElse(null));
    }

    /**
     * The port with points before and after its calls.
     *
     * @param real what is returned itself if there are no points
     * @throws IllegalStateException no seam is there
     */
    public <T> T around(Class<? super T> port, T real) {
        Path place = directory;
        if (place == null) {
            return real;
        }
        Seam seam = Arrays.stream(Seam.values())
                .filter(one -> one.port() == port)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no point is at " + port));
        InvocationHandler calls = (proxy, method, arguments) ->
                call(seam, place, real, method, arguments == null ? new Object[0] : arguments);
        @SuppressWarnings("unchecked") // it implements the port, which is all that is asked of it
        T wrapped = (T) Proxy.newProxyInstance(port.getClassLoader(), new Class<?>[] {port}, calls);
        return wrapped;
    }

    private static @Nullable Object call(Seam seam, Path place, Object real, Method method, Object[] arguments)
            throws Throwable {
        Optional<String> point = seam.point(method, arguments);
        if (point.isPresent()) {
            reach(place, point.get(), method);
        }
        Object result;
        try {
            result = method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        if (point.isPresent() && seam.isDurable()) {
            reach(place, point.get() + DONE, method);
        }
        return result;
    }

    private static void reach(Path place, String point, Method method) throws IOException {
        Path reached = place.resolve("reached").resolve(point);
        try {
            Files.move(place.resolve("armed").resolve(point), reached, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            return; // nobody wants it, or another thread was here first
        }
        String what = Files.readString(reached).strip();
        LOG.warn("reached {}: {}", point, what);
        switch (what) {
            case "halt" -> Runtime.getRuntime().halt(KILLED);
            case "fail" -> fail(point, method);
            default -> hold(reached);
        }
    }

    private static void fail(String point, Method method) throws IOException {
        if (Arrays.asList(method.getExceptionTypes()).contains(IOException.class)) {
            throw new IOException("Input/output error (wanted by a test at " + point + ")");
        }
    }

    private static void hold(Path reached) {
        for (long left = HOLD_NANOS; left > 0 && Files.exists(reached); left -= LOOK_NANOS) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }
}
