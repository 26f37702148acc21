package dev.holdfast.coordinator.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ReplicationCodecTest {

    private static final Name VM = new Name("web");
    private static final Copy FIRST = new Copy(new Name("n1"), new Name("a1"));
    private static final Copy SECOND = new Copy(new Name("n2"), new Name("b7"));

    @Test
    void whatIsWrittenReadsBack() throws CodecException {
        for (ReplicationRecord record : List.of(
                new ReplicationRecord(1, Optional.of(FIRST), new TreeSet<>(List.of(FIRST))),
                new ReplicationRecord(Long.MAX_VALUE, Optional.of(SECOND), new TreeSet<>(List.of(FIRST, SECOND))),
                new ReplicationRecord(7, Optional.empty(), new TreeSet<>(List.of(FIRST, SECOND))))) {
            assertThat(ReplicationCodec.decode(VM, ReplicationCodec.encode(VM, record)))
                    .isEqualTo(record);
        }
    }

    @Test
    void theFormStaysAsItIsAndUnknownFieldsAreLeftAlone() throws CodecException {
        String text = """
                {"format":"replica","version":1,"vm":"web","generation":3,"primary":{"node":"n1","id":"a1"},\
                "inSync":[{"node":"n1","id":"a1"},{"node":"n2","id":"b7"}]}""";
        ReplicationRecord record = new ReplicationRecord(3, Optional.of(FIRST), new TreeSet<>(List.of(FIRST, SECOND)));

        assertThat(new String(ReplicationCodec.encode(VM, record), StandardCharsets.UTF_8))
                .isEqualTo(text);
        assertThat(decode(text.replace("\"id\":\"b7\"", "\"id\":\"b7\",\"later\":{}")
                        .replace("\"vm\":", "\"later\":[1],\"vm\":")))
                .isEqualTo(record);
    }

    @Test
    void whatCannotBeIsRefused() {
        String good = """
                {"format":"replica","version":1,"vm":"web","generation":3,"primary":{"node":"n1","id":"a1"},\
                "inSync":[{"node":"n1","id":"a1"}]}""";
        assertRefused(good.replace("\"version\":1", "\"version\":2"), "Upgrade Holdfast");
        assertRefused(good.replace("\"vm\":\"web\"", "\"vm\":\"db\""), "is one of db");
        assertRefused(good.replace("\"generation\":3", "\"generation\":0"), "count from 1");
        assertRefused(good.replace("[{\"node\":\"n1\"", "[{\"node\":\"n2\""), "is not among");
        assertRefused(good.replace(",\"inSync\":[{\"node\":\"n1\",\"id\":\"a1\"}]", ""), "inSync is missing");
        assertRefused(good.replace("\"id\":\"a1\"", "\"id\":\"../a\""), "id");
    }

    private static void assertRefused(String text, String because) {
        assertThatThrownBy(() -> decode(text))
                .isInstanceOf(CodecException.class)
                .hasMessageContaining(because);
    }

    private static ReplicationRecord decode(String text) throws CodecException {
        return ReplicationCodec.decode(VM, text.getBytes(StandardCharsets.UTF_8));
    }
}
