package dev.holdfast.coordinator.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.UnreadableDefinition;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.VmReport;
import dev.holdfast.coordinator.protocol.Vote;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class RecordCodecTest {

    private static final Refusal BROKEN = Refusal.failed("n2: the disk is full; make room");

    @Test
    void aNodeTellsWhichDefinitionsItCannotReadAndWhichKeysItHas() throws Exception {
        NodeRegistry.Node whole = RecordSamples.node();
        NodeRegistry.Node node = new NodeRegistry.Node(
                whole.node(),
                whole.identity(),
                whole.channelAddress(),
                whole.controlAddress(),
                whole.software(),
                whole.recordVersion(),
                whole.vms(),
                List.of(
                        new UnreadableDefinition(
                                "/a.toml",
                                Optional.of(new Name("a")),
                                new TreeSet<>(Set.of(new Name("shop"))),
                                false,
                                "why"),
                        new UnreadableDefinition("/b c.toml", Optional.empty(), new TreeSet<>(), true, "why else")),
                new ImageKeys(
                        Optional.of(new Name("0f1e2d3c4b5a6978")),
                        new TreeSet<>(Set.of(new Name("0f1e2d3c4b5a6978"), new Name("78695a4b3c2d1e0f")))));
        assertThat(RecordCodec.decodeNode(RecordCodec.encode(node))).isEqualTo(node);
    }

    /** Golden files are of nodes that know nothing of it. */
    @Test
    void thatAMemoryImageIsEncryptedIsWrittenOfThoseAloneThatAre() throws Exception {
        Part memory = new Part("memory", "/srv/x.memory", 5, "ab", true);
        Part layer = new Part("disk:d0", "/srv/x.qcow2", 6, "");
        MemberReport plain = RecordSamples.report();
        VmReport vm = plain.vms().get(0);
        Vote vote = new Vote.Durable(new MemberReport(
                plain.node(),
                plain.clockErrorNanos(),
                plain.software(),
                List.of(new VmReport(
                        vm.vm(),
                        vm.frozenAtNanos(),
                        vm.capturedAtNanos(),
                        vm.thawedAtNanos(),
                        vm.pauseNanos(),
                        vm.method(),
                        vm.quiesce(),
                        vm.hypervisor(),
                        List.of(memory, layer)))));
        byte[] bytes = RecordCodec.encode(vote);
        assertThat(RecordCodec.decodeVote(bytes)).isEqualTo(vote);
        assertThat(new String(bytes, StandardCharsets.UTF_8)).containsOnlyOnce("encrypted");
    }

    /** An older agent that writes the round anew leaves it out: then it is not allowed. */
    @Test
    void thatAStorageMayBeDegradedIsWrittenOnlyWhereItIsAllowed() throws Exception {
        RoundRecord plain = new RoundRecord(RecordSamples.spec(), RoundState.PREPARING, Optional.empty());
        RoundSpec spec = plain.spec();
        RoundRecord allowed = new RoundRecord(
                new RoundSpec(
                        spec.id(),
                        spec.kind(),
                        spec.epoch(),
                        spec.group(),
                        spec.checkpoint(),
                        spec.parent(),
                        spec.members(),
                        spec.options().withDegraded(true)),
                RoundState.PREPARING,
                Optional.empty());
        byte[] bytes = RecordCodec.encode(allowed);
        assertThat(RecordCodec.decodeRound(bytes)).isEqualTo(allowed);
        String text = new String(bytes, StandardCharsets.UTF_8);
        String older = text.replace(",\"allowDegraded\":true", "");
        assertThat(older).isNotEqualTo(text).isEqualTo(new String(RecordCodec.encode(plain), StandardCharsets.UTF_8));
        assertThat(RecordCodec.decodeRound(older.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(plain);
    }

    /** A record's value, bytes and reader. */
    private record Form(String file, Object value, byte[] bytes, Reader reader) {}

    private interface Reader {
        Object read(byte[] bytes) throws CodecException;
    }

    private static List<Form> forms() {
        RoundRecord open = new RoundRecord(RecordSamples.spec(), RoundState.PREPARING, Optional.empty());
        RoundRecord aborted = new RoundRecord(RecordSamples.spec(), RoundState.ABORTED, Optional.of(BROKEN));
        Vote yes = new Vote.Durable(RecordSamples.report());
        Vote no = new Vote.No(BROKEN);
        CheckpointRecord checkpoint =
                CheckpointRecord.of(RecordSamples.spec(), List.of(RecordSamples.report(), RecordSamples.report()));
        GroupRecord group = new GroupRecord(new Name("shop"), new TreeSet<>(Set.of(new Name("web"), new Name("db"))));
        TimelineRecord timeline = new TimelineRecord(Optional.of(new Name("nightly")));
        JournalEntry intent = JournalEntry.intent(RecordSamples.spec());
        JournalEntry voted = JournalEntry.voted(RecordSamples.spec(), RecordSamples.report());
        return List.of(
                new Form("round-preparing", open, RecordCodec.encode(open), RecordCodec::decodeRound),
                new Form("round-aborted", aborted, RecordCodec.encode(aborted), RecordCodec::decodeRound),
                new Form("vote-durable", yes, RecordCodec.encode(yes), RecordCodec::decodeVote),
                new Form("vote-no", no, RecordCodec.encode(no), RecordCodec::decodeVote),
                new Form("checkpoint", checkpoint, RecordCodec.encode(checkpoint), RecordCodec::decodeCheckpoint),
                new Form("timeline", timeline, RecordCodec.encode(timeline), RecordCodec::decodeTimeline),
                new Form("group", group, RecordCodec.encode(group), RecordCodec::decodeGroup),
                new Form(
                        "node",
                        RecordSamples.node(),
                        RecordCodec.encode(RecordSamples.node()),
                        RecordCodec::decodeNode),
                new Form("journal-intent", intent, RecordCodec.encode(intent), RecordCodec::decodeJournal),
                new Form("journal-voted", voted, RecordCodec.encode(voted), RecordCodec::decodeJournal),
                new Form(
                        "history",
                        RecordSamples.history(),
                        RecordCodec.encode(RecordSamples.history()),
                        RecordCodec::decodeHistory));
    }

    @TestFactory
    List<DynamicTest> writesWhatTheGoldenFileHoldsAndReadsItBack() {
        return forms().stream()
                .map(form -> DynamicTest.dynamicTest(form.file(), () -> {
                    ObjectMapper mapper = new ObjectMapper();
                    assertThat(mapper.readTree(form.bytes())).isEqualTo(mapper.readTree(golden(form.file())));
                    assertThat(form.reader().read(golden(form.file()))).isEqualTo(form.value());
                    assertThat(form.reader().read(form.bytes())).isEqualTo(form.value());
                }))
                .toList();
    }

    @TestFactory
    List<DynamicTest> refusesANewerVersionAndSaysWhatToDo() {
        return changed("\"version\":1", "\"version\":2", "Upgrade Holdfast");
    }

    @TestFactory
    List<DynamicTest> refusesTrailingBytesAndDuplicateKeys() {
        return changed("\"version\":1", "\"version\":1,\"version\":1", "not well-formed");
    }

    @TestFactory
    List<DynamicTest> refusesARecordOfAnotherKind() {
        return changed("\"format\":\"", "\"format\":\"x", "expected a");
    }

    private static List<DynamicTest> changed(String from, String to, String message) {
        return forms().stream()
                .map(form -> DynamicTest.dynamicTest(form.file(), () -> {
                    String text = new String(form.bytes(), StandardCharsets.UTF_8);
                    assertThat(text).contains(from);
                    byte[] bytes = text.replace(from, to).getBytes(StandardCharsets.UTF_8);
                    assertThatThrownBy(() -> form.reader().read(bytes))
                            .isInstanceOf(CodecException.class)
                            .hasMessageContaining(message);
                }))
                .toList();
    }

    @TestFactory
    List<DynamicTest> everyTruncationIsAnErrorAndNothingElse() {
        return forms().stream()
                .map(form -> DynamicTest.dynamicTest(form.file(), () -> {
                    for (int length = 0; length < form.bytes().length; length++) {
                        byte[] cut = java.util.Arrays.copyOf(form.bytes(), length);
                        assertThatThrownBy(() -> form.reader().read(cut)).isInstanceOf(CodecException.class);
                    }
                }))
                .toList();
    }

    @Test
    void namesThePlaceOfAWrongField() {
        for (Map.Entry<String, String> each : Map.of(
                        "\"epoch\":7", "round.spec.epoch must be a whole number",
                        "\"group\":\"shop\"", "round.spec.group must be a text",
                        "\"paused\":false", "round.spec.options.paused must be true or false")
                .entrySet()) {
            String field = each.getKey().substring(0, each.getKey().indexOf(':') + 1);
            byte[] bytes = roundWith(each.getKey(), field + "[]");
            assertThatThrownBy(() -> RecordCodec.decodeRound(bytes)).hasMessageContaining(each.getValue());
        }
        assertThatThrownBy(() -> RecordCodec.decodeRound(roundWith("\"group\":\"shop\"", "\"group\":\"../etc\"")))
                .isInstanceOf(CodecException.class)
                .hasMessageContaining("round.spec.group")
                .hasMessageContaining("not allowed");
        assertThatThrownBy(() -> RecordCodec.decodeRound(roundWith("\"epoch\":7", "\"epoch\":-1")))
                .isInstanceOf(CodecException.class)
                .hasMessageContaining("never negative");
    }

    @Test
    void refusesDeepAndLargeDocuments() {
        byte[] deep = ("[".repeat(100_000)).getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> RecordCodec.decodeRound(deep)).isInstanceOf(CodecException.class);
        byte[] large = new byte[2 * 1024 * 1024];
        assertThatThrownBy(() -> RecordCodec.decodeRound(large)).hasMessageContaining("bytes");
    }

    private static byte[] roundWith(String from, String to) {
        RoundRecord open = new RoundRecord(RecordSamples.spec(), RoundState.PREPARING, Optional.empty());
        String text = new String(RecordCodec.encode(open), StandardCharsets.UTF_8);
        assertThat(text).contains(from);
        return text.replace(from, to).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] golden(String file) throws IOException {
        try (InputStream in = RecordCodecTest.class.getResourceAsStream("/codec/" + file + ".json")) {
            assertThat(in).as("golden file " + file).isNotNull();
            return in.readAllBytes();
        }
    }
}
