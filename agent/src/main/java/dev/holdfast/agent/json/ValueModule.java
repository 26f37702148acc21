package dev.holdfast.agent.json;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.KeyDeserializer;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;

/** Values that are one text in JSON: names, ids, instants, durations (ISO 8601), paths. */
final class ValueModule extends SimpleModule {
    @Serial
    private static final long serialVersionUID = 1L;

    ValueModule() {
        text(Name.class, Name::new);
        text(RoundId.class, RoundId::new);
        text(Epoch.class, text -> new Epoch(Long.parseLong(text)));
        text(Instant.class, Instant::parse);
        text(Duration.class, Duration::parse);
        text(Path.class, Path::of);
        addKeyDeserializer(Name.class, new NameKey());
    }

    private <T> void text(Class<T> type, Function<String, T> parser) {
        addSerializer(type, new ToStringSerializer(type));
        addDeserializer(type, deserializer(type, parser));
    }

    private static <T> JsonDeserializer<T> deserializer(Class<T> type, Function<String, T> parser) {
        return new StdScalarDeserializer<>(type) {
            @Serial
            private static final long serialVersionUID = 1L;

            @Override
            public T deserialize(JsonParser json, DeserializationContext context) throws IOException {
                String text = json.getValueAsString("");
                try {
                    return parser.apply(text);
                } catch (RuntimeException e) {
                    // Each parser has an exception of its own; all of them mean the same here.
                    throw new JsonException("this is no " + type.getSimpleName() + ": " + e.getMessage(), e);
                }
            }
        };
    }

    private static final class NameKey extends KeyDeserializer {
        @Override
        public Object deserializeKey(String key, DeserializationContext context) throws IOException {
            try {
                return new Name(key);
            } catch (IllegalArgumentException e) {
                throw new JsonException(String.valueOf(e.getMessage()), e);
            }
        }
    }
}
