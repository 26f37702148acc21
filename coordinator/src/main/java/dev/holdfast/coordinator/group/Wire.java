package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.MessageCodec;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** What nodes send each other: a message of a round, or an exchange that measures clocks. */
sealed interface Wire {

    /** Bytes before the body. */
    int HEADER_BYTES = 2;

    int WARM_UP_ROUNDS = 200;
    byte VERSION = 1;
    byte ROUND = 1;
    byte PING = 2;
    byte PONG = 3;
    byte ASK = 4;
    byte ANSWER = 5;

    /** A message of a round. */
    record Round(GroupMessage message) implements Wire {
        @Override
        public void accept(Visitor visitor) {
            visitor.round(this);
        }
    }

    /** Asks for the time. */
    record Ping(long sentNanos) implements Wire {
        @Override
        public void accept(Visitor visitor) {
            visitor.ping(this);
        }
    }

    /**
     * The answer.
     *
     * @param sentNanos as in the question
     * @param thereNanos the answering node's wall clock
     */
    record Pong(long sentNanos, long thereNanos) implements Wire {
        @Override
        public void accept(Visitor visitor) {
            visitor.pong(this);
        }
    }

    /** Exhaustive choice. */
    void accept(Visitor visitor);

    /** Whoever takes messages in; a new kind breaks every visitor at compile time. */
    interface Visitor {
        void round(Round round);

        void ping(Ping ping);

        void pong(Pong pong);

        void ask(Ask ask);

        void answer(Answer answer);
    }

    /**
     * A request from agent to agent.
     *
     * @param id unique for the asking life
     * @param payload what is asked
     */
    record Ask(long id, byte[] payload) implements Wire {
        @Override
        public void accept(Visitor visitor) {
            visitor.ask(this);
        }
    }

    /**
     * Its answer.
     *
     * @param id as in the request
     * @param payload what is answered
     */
    record Answer(long id, byte[] payload) implements Wire {
        @Override
        public void accept(Visitor visitor) {
            visitor.answer(this);
        }
    }

    static byte[] encode(Ask ask) {
        return encode(ASK, ask.id(), ask.payload());
    }

    static byte[] encode(Answer answer) {
        return encode(ANSWER, answer.id(), answer.payload());
    }

    private static byte[] encode(byte kind, long id, byte[] payload) {
        return ByteBuffer.allocate(HEADER_BYTES + Long.BYTES + payload.length)
                .put(VERSION)
                .put(kind)
                .putLong(id)
                .put(payload)
                .array();
    }

    static byte[] encode(GroupMessage message) {
        byte[] body = MessageCodec.encode(message);
        return ByteBuffer.allocate(HEADER_BYTES + body.length)
                .put(VERSION)
                .put(ROUND)
                .put(body)
                .array();
    }

    static byte[] encode(Ping ping) {
        return ByteBuffer.allocate(HEADER_BYTES + Long.BYTES)
                .put(VERSION)
                .put(PING)
                .putLong(ping.sentNanos())
                .array();
    }

    static byte[] encode(Pong pong) {
        return ByteBuffer.allocate(HEADER_BYTES + 2 * Long.BYTES)
                .put(VERSION)
                .put(PONG)
                .putLong(pong.sentNanos())
                .putLong(pong.thereNanos())
                .array();
    }

    /** @throws CodecException the bytes are nothing that this version reads */
    static Wire decode(byte[] bytes) throws CodecException {
        if (bytes.length < HEADER_BYTES || bytes[0] != VERSION) {
            throw new CodecException("not a message of version " + VERSION);
        }
        ByteBuffer body = ByteBuffer.wrap(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES);
        return switch (bytes[1]) {
            case ROUND -> new Round(MessageCodec.decode(Arrays.copyOfRange(bytes, HEADER_BYTES, bytes.length)));
            case PING -> new Ping(exactly(body, Long.BYTES).getLong());
            case PONG -> {
                exactly(body, 2 * Long.BYTES);
                yield new Pong(body.getLong(), body.getLong());
            }
            case ASK -> new Ask(atLeast(body, Long.BYTES).getLong(), rest(body));
            case ANSWER -> new Answer(atLeast(body, Long.BYTES).getLong(), rest(body));
            default -> throw new CodecException("an unknown kind of message: " + bytes[1]);
        };
    }

    private static ByteBuffer atLeast(ByteBuffer body, int length) throws CodecException {
        if (body.remaining() < length) {
            throw new CodecException("at least %d bytes expected, %d there".formatted(length, body.remaining()));
        }
        return body;
    }

    private static byte[] rest(ByteBuffer body) {
        byte[] rest = new byte[body.remaining()];
        body.get(rest);
        return rest;
    }

    /** Loads and compiles what the first message needs, which else costs milliseconds while guests stand still. */
    static void warmUp() {
        RoundId round = new RoundId("warm-up");
        Epoch epoch = new Epoch(0);
        Name node = new Name("node");
        List<GroupMessage> samples = List.of(
                new GroupMessage.Freeze(round, epoch, 0),
                new GroupMessage.Frozen(round, epoch, node),
                new GroupMessage.VoidRound(round, epoch, node, Refusal.failed("reason")),
                new GroupMessage.Progress(round, epoch, node, "phase", 0, 0));
        for (int i = 0; i < WARM_UP_ROUNDS; i++) {
            for (GroupMessage sample : samples) {
                try {
                    decode(encode(sample));
                } catch (CodecException impossible) {
                    throw new IllegalStateException("what was encoded here can be decoded here", impossible);
                }
            }
        }
    }

    private static ByteBuffer exactly(ByteBuffer body, int length) throws CodecException {
        if (body.remaining() != length) {
            throw new CodecException("%d bytes expected, %d there".formatted(length, body.remaining()));
        }
        return body;
    }
}
