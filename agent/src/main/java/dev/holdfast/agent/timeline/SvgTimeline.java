package dev.holdfast.agent.timeline;

import dev.holdfast.agent.timeline.CheckpointTimeline.Lane;
import java.io.StringWriter;
import java.util.Locale;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** Draws a timeline as an SVG picture that can be read on light and on dark ground. Stateless. */
public final class SvgTimeline {
    private static final double WIDTH = 860;
    private static final double LEAST_LEFT = 110;
    private static final double MOST_LEFT = 330;
    private static final double LETTER = 7.8;
    private static final double RIGHT = 90;
    private static final double TOP = 64;
    private static final double LANE = 34;
    private static final double BAR = 16;

    /** Colors with enough contrast; a viewer that knows about dark ground gets the second set. */
    private static final String STYLE = """
            svg { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 13px; }
            .ground { fill: #ffffff; } text { fill: #1f2933; } .faint { fill: #52606d; font-size: 12px; }
            .title { font-size: 16px; font-weight: bold; }
            .cut { fill: #2f80ed; fill-opacity: 0.16; } .cutedge { stroke: #2f80ed; stroke-dasharray: 4 3; }
            .running { stroke: #3e9b5f; stroke-width: 3; } .still { fill: #f2a33a; } .common { fill: #2f6fd0; }
            .captured { fill: #c02f6b; } .axis { stroke: #9aa5b1; }
            @media (prefers-color-scheme: dark) {
              .ground { fill: #14181d; } text { fill: #e4e7eb; } .faint { fill: #9aa5b1; }
              .cut { fill: #62a8ff; } .cutedge { stroke: #62a8ff; } .running { stroke: #5cc98a; }
              .common { fill: #5b9bf3; } .captured { fill: #ff6fa5; } .axis { stroke: #52606d; }
            }
            """;

    private final CheckpointTimeline timeline;
    private final double left;
    private final Scale scale;
    private final XMLStreamWriter xml;

    private SvgTimeline(CheckpointTimeline timeline, XMLStreamWriter xml) {
        this.timeline = timeline;
        int letters = timeline.lanes().stream()
                .mapToInt(lane -> Math.max(lane.vm().length(), lane.node().length()))
                .max()
                .orElse(0);
        this.left = Math.max(LEAST_LEFT, Math.min(MOST_LEFT, 32 + letters * LETTER));
        this.scale = Scale.of(timeline, WIDTH - left - RIGHT);
        this.xml = xml;
    }

    /** The whole picture as one XML document. */
    public static String draw(CheckpointTimeline timeline) {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(text);
            new SvgTimeline(timeline, xml).document();
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("writing to memory does not fail", e);
        }
        return text.toString();
    }

    private void document() throws XMLStreamException {
        double height = TOP + timeline.lanes().size() * LANE + 84;
        xml.writeStartDocument("UTF-8", "1.0");
        xml.writeCharacters("\n");
        start(
                "svg",
                "xmlns",
                "http://www.w3.org/2000/svg",
                "viewBox",
                "0 0 " + number(WIDTH) + " " + number(height),
                "width",
                number(WIDTH),
                "height",
                number(height),
                "role",
                "img");
        xml.writeStartElement("title");
        xml.writeCharacters(printable(timeline.title()));
        xml.writeEndElement();
        xml.writeStartElement("style");
        xml.writeCharacters(STYLE);
        xml.writeEndElement();
        rectangle("ground", 0, 0, WIDTH, height);
        text("title", 16, 30, "start", timeline.title());
        cut();
        axis();
        double y = TOP;
        for (Lane lane : timeline.lanes()) {
            lane(lane, y + LANE / 2);
            y += LANE;
        }
        legend(height - 34);
        text("faint", 16, height - 12, "start", timeline.summary());
        xml.writeEndElement();
        xml.writeEndDocument();
    }

    private void cut() throws XMLStreamException {
        if (timeline.cutEndsNanos() < timeline.cutBeginsNanos()) {
            return;
        }
        double from = x(timeline.cutBeginsNanos());
        double to = Math.max(from + 1, x(timeline.cutEndsNanos()));
        double bottom = TOP + timeline.lanes().size() * LANE;
        rectangle("cut", from, TOP - 10, to - from, bottom - TOP + 10);
        line("cutedge", from, TOP - 10, from, bottom);
        line("cutedge", to, TOP - 10, to, bottom);
        text("faint", (from + to) / 2, TOP - 14, "middle", "the cut");
    }

    private void axis() throws XMLStreamException {
        double y = TOP + timeline.lanes().size() * LANE + 4;
        line("axis", left, y, WIDTH - RIGHT, y);
        for (long tick : scale.ticks(8)) {
            line("axis", x(tick), y, x(tick), y + 5);
            text("faint", x(tick), y + 18, "middle", Scale.tickLabel(tick));
        }
        // On the left: the last tick may be at the very end of the line.
        text("faint", left - 28, y + 18, "end", "ms");
    }

    private void lane(Lane lane, double y) throws XMLStreamException {
        text("", left - 12, y - 1, "end", fitted(lane.vm()));
        text("faint", left - 12, y + 12, "end", fitted(lane.node()));
        line("running", left, y, x(lane.frozenAtNanos()), y);
        line("running", x(lane.thawedAtNanos()), y, WIDTH - RIGHT, y);
        bar("still", lane.frozenAtNanos(), lane.thawedAtNanos(), y);
        if (timeline.cutEndsNanos() >= timeline.cutBeginsNanos()) {
            bar("common", timeline.cutBeginsNanos(), timeline.cutEndsNanos(), y);
        }
        diamond(x(lane.capturedAtNanos()), y);
        text("", WIDTH - RIGHT + 8, y + 4, "start", CheckpointTimeline.millis(lane.pauseNanos()));
    }

    private void legend(double y) throws XMLStreamException {
        double x = left;
        line("running", x, y - 4, x + 22, y - 4);
        text("faint", x + 28, y, "start", "running");
        rectangle("still", x + 100, y - 11, 22, 12);
        text("faint", x + 128, y, "start", "frozen");
        rectangle("common", x + 195, y - 11, 22, 12);
        text("faint", x + 223, y, "start", "all frozen: the cut");
        diamond(x + 362, y - 5);
        text("faint", x + 374, y, "start", "disks captured");
    }

    private void bar(String kind, long from, long to, double y) throws XMLStreamException {
        rectangle(kind, x(from), y - BAR / 2, Math.max(1, x(to) - x(from)), BAR);
    }

    private void diamond(double x, double y) throws XMLStreamException {
        String points = "%s,%s %s,%s %s,%s %s,%s"
                .formatted(
                        number(x),
                        number(y - 6),
                        number(x + 6),
                        number(y),
                        number(x),
                        number(y + 6),
                        number(x - 6),
                        number(y));
        start("polygon", "class", "captured", "points", points);
        xml.writeEndElement();
    }

    private void rectangle(String kind, double x, double y, double width, double height) throws XMLStreamException {
        start("rect", "class", kind, "x", number(x), "y", number(y), "width", number(width), "height", number(height));
        xml.writeEndElement();
    }

    private void line(String kind, double x1, double y1, double x2, double y2) throws XMLStreamException {
        start("line", "class", kind, "x1", number(x1), "y1", number(y1), "x2", number(x2), "y2", number(y2));
        xml.writeEndElement();
    }

    private void text(String kind, double x, double y, String anchor, String content) throws XMLStreamException {
        start("text", "class", kind, "x", number(x), "y", number(y), "text-anchor", anchor);
        xml.writeCharacters(printable(content));
        xml.writeEndElement();
    }

    private void start(String element, String... attributes) throws XMLStreamException {
        xml.writeCharacters("\n");
        xml.writeStartElement(element);
        for (int i = 0; i < attributes.length; i += 2) {
            xml.writeAttribute(attributes[i], attributes[i + 1]);
        }
    }

    private double x(long nanos) {
        return left + scale.place(nanos);
    }

    private String fitted(String label) {
        int letters = (int) ((left - 28) / LETTER);
        return label.length() <= letters ? label : label.substring(0, letters - 1) + "~";
    }

    /** XML cannot hold most control characters at all. */
    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", " ");
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }
}
