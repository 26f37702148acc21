package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import java.util.Arrays;

/** What one agent says to another, past the seal: read, or refused with the exception that says so. */
public final class PeerBytesFuzz {
    private PeerBytesFuzz() {}

    /** The first byte says whether it is a request or an answer. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        byte[] bytes = Arrays.copyOfRange(input, 1, input.length);
        if (input[0] % 2 == 0) {
            request(bytes);
        } else {
            answer(bytes);
        }
    }

    private static void request(byte[] bytes) {
        try {
            PeerRequest request = PeerRequest.parse(bytes);
            if (request.kind() == PeerRequest.Kind.RUN_ROUND) {
                WishForm.read(request.body());
            }
        } catch (JsonException refused) {
            PeerAnswer.unknown(String.valueOf(refused.getMessage()));
        }
    }

    private static void answer(byte[] bytes) {
        try {
            PeerAnswer.read(bytes);
        } catch (RoundRefusedException | OutcomeUnknownException told) {
            PeerAnswer.unknown(String.valueOf(told.getMessage()));
        }
    }
}
