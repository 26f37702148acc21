package dev.holdfast.agent.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.holdfast.agent.timeline.CheckpointTimeline.Lane;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class TimelineTest {
    private static final CheckpointTimeline SHOP = new CheckpointTimeline(
            "shop@nightly <&> \"x\"",
            List.of(
                    new Lane("web", "n1", 0, 6_200_000, 14_100_000, 80_000),
                    new Lane("db", "n2", 412_000, 9_300_000, 14_600_000, 120_000),
                    new Lane("mail", "n3", 1_350_000, 5_900_000, 13_800_000, 90_000)));

    @Test
    void theCutIsWhatAllHaveInCommon() {
        assertThat(SHOP.cutBeginsNanos()).isEqualTo(1_350_000);
        assertThat(SHOP.cutEndsNanos()).isEqualTo(13_800_000);
        assertThat(SHOP.skewNanos()).isEqualTo(1_350_000);
        assertThat(SHOP.summary())
                .isEqualTo("all still for 12.5 ms; skew 1.35 ms (clock error up to 0.120 ms); "
                        + "longest pause 14.2 ms (db)");
    }

    @Test
    void theTerminalShowsWhoWasFrozenWhen() {
        assertThat(new TerminalTimeline(70, false).draw(SHOP))
                .containsExactly(
                        "shop@nightly <&> \"x\"",
                        "web on n1  |---====#############C#####################=-----| 14.1 ms",
                        "db on n2   |----===######################C############==----| 14.2 ms",
                        "mail on n3 |-------#############C#####################------| 12.5 ms",
                        "               '             '             '             '",
                        "               0             5            10            15 ms",
                        "- running  = frozen  # all frozen: the cut  C captured",
                        "all still for 12.5 ms",
                        "skew 1.35 ms (clock error up to 0.120 ms)",
                        "longest pause 14.2 ms (db)");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 40, 60, 80, 100, 200})
    void noLineIsWiderThanTheTerminal(int width) {
        int room = Math.max(width, 65);
        for (boolean unicode : new boolean[] {true, false}) {
            assertThat(new TerminalTimeline(width, unicode).draw(SHOP))
                    .filteredOn(line -> !line.startsWith("─") && !line.startsWith("-"))
                    .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(room));
        }
    }

    @Test
    void withoutUnicodeEverythingIsAscii() {
        assertThat(String.join("", new TerminalTimeline(80, false).draw(SHOP))).matches("\\p{ASCII}*");
    }

    @Test
    void oneMachineAndNoTimeAtAllCanBeDrawn() {
        CheckpointTimeline instant = new CheckpointTimeline("x", List.of(new Lane("a", "n", 0, 0, 0, -1)));

        assertThat(new TerminalTimeline(80, true).draw(instant)).anyMatch(line -> line.contains("◆"));
        assertThat(SvgTimeline.draw(instant)).contains("clock error unknown");
    }

    @Test
    void clocksThatDisagreeShowNoCut() {
        CheckpointTimeline apart = new CheckpointTimeline(
                "x",
                List.of(
                        new Lane("a", "n1", 0, 5, 1_000_000, 1),
                        new Lane("b", "n2", 9_000_000, 9_000_001, 9_900_000, 1)));

        assertThat(new TerminalTimeline(80, false).draw(apart))
                .filteredOn(line -> line.contains("|"))
                .noneMatch(line -> line.contains("#"));
        assertThat(apart.summary()).startsWith("the clocks disagree");
    }

    @Test
    void theSvgIsWellFormedWhateverTheTitle() throws Exception {
        CheckpointTimeline odd = new CheckpointTimeline("a\u0000<b>]]>&\u001b", SHOP.lanes());
        Document document = DocumentBuilderFactory.newDefaultInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(SvgTimeline.draw(odd))));

        assertThat(document.getDocumentElement().getTagName()).isEqualTo("svg");
        assertThat(document.getElementsByTagName("polygon").getLength()).isEqualTo(4);
        Files.writeString(Path.of("target/timeline.svg"), SvgTimeline.draw(SHOP));
    }

    @Test
    void theAxisNamesItsUnitAfterTheLastLabel() {
        for (long end = 900_000; end < 20_000_000; end += 130_000) {
            CheckpointTimeline timeline = new CheckpointTimeline("x", List.of(new Lane("a", "n", 0, end / 2, end, 1)));
            String labels = new TerminalTimeline(80, false).draw(timeline).get(3);

            assertThat(labels).matches("\\s+0(\\s+[0-9.]+)* ms");
            assertThat(labels.strip().split("\\s+"))
                    .as(labels)
                    .filteredOn(word -> !word.equals("ms"))
                    .isSortedAccordingTo((a, b) -> Double.compare(Double.parseDouble(a), Double.parseDouble(b)));
        }
    }

    @Test
    void nobodyIsThawedBeforeTheFreeze() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Lane("a", "n", 5, 5, 4, 0));
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000, 50_000, 7_000_000, 123_456_789, 60_000_000_000L})
    void theAxisHasAFewRoundTicks(long length) {
        Scale scale = new Scale(-length / 10, length, 100);

        assertThat(scale.ticks(6)).hasSizeBetween(3, 13).contains(0L);
    }
}
