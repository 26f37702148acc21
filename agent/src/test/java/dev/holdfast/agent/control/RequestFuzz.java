package dev.holdfast.agent.control;

import dev.holdfast.agent.json.JsonException;
import java.nio.charset.StandardCharsets;
import java.time.DayOfWeek;

/** Any line on the control socket: a request whose arguments are read within bounds, or refused in words meant for its caller. */
public final class RequestFuzz {
    private static final String[] KEYS = {"vm", "name", "path", "timeout", "size", "paused"};

    private RequestFuzz() {}

    private interface Reading {
        Object read(Arguments arguments, String key) throws ControlException;
    }

    private static final Reading[] READINGS = {
        Arguments::name,
        Arguments::optionalName,
        Arguments::text,
        Arguments::flag,
        (arguments, key) -> arguments.number(key, 0, 100),
        Arguments::duration,
        Arguments::size,
        (arguments, key) -> arguments.choice(key, DayOfWeek.class)
    };

    public static void fuzzerTestOneInput(byte[] input) {
        ControlRequest request;
        try {
            request = ControlRequest.parse(new String(input, StandardCharsets.UTF_8));
        } catch (JsonException refused) {
            Session.error(null, ControlException.of(ErrorCode.BAD_REQUEST, String.valueOf(refused.getMessage())));
            return;
        }
        for (String key : KEYS) {
            for (Reading reading : READINGS) {
                try {
                    reading.read(request.arguments(), key);
                } catch (ControlException refused) {
                    String told = Session.error(request.id(), refused);
                    if (told.indexOf('\n') >= 0) {
                        throw new AssertionError("an answer of two lines: " + told);
                    }
                }
            }
        }
    }
}
