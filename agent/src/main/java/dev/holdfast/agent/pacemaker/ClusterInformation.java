package dev.holdfast.agent.pacemaker;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Proof;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.jspecify.annotations.Nullable;

/**
 * What a proof needs of pacemaker's cluster information base (Pacemaker Explained, "Status"; measured with 2.1.5):
 *
 * <pre>
 *                                     in_ccm   crmd      join     expected
 * a member                            true     online    member   member
 * lost, to be fenced                  false    offline   down     member
 * fenced, or confirmed by a person    false    offline   down     down
 * its pacemaker was shut down         true     offline   down     down
 * its corosync, too                   false    offline   down     down
 * it was fenced, and boots            true     offline   down     down
 * it joins                            true     online    down     down
 * </pre>
 *
 * So what is expected of a node tells one that was lost from one that is gone; pacemaker writes {@code down} there only after a
 * fencing that succeeded, or a shutdown in which it has stopped all that it manages. Immutable.
 */
final class ClusterInformation {

    private static final Set<String> YES = Set.of("true", "yes", "on", "y", "1");
    private static final Set<String> NO = Set.of("false", "0");
    private static final String ROOT_END = "</cib>";

    private final boolean quorum;
    private final boolean fencing;
    private final Map<String, NodeState> nodes;

    private ClusterInformation(boolean quorum, boolean fencing, Map<String, NodeState> nodes) {
        this.quorum = quorum;
        this.fencing = fencing;
        this.nodes = Map.copyOf(nodes);
    }

    /**
     * What it says of a node.
     *
     * @param runs how many machines of ours it says to be running there: unmanaged ones survive a shutdown of pacemaker
     */
    private record NodeState(String member, String process, String join, String expected, int runs) {

        boolean isGone() {
            return (process.equals("offline") || process.equals("0"))
                    && join.equals("down")
                    && expected.equals("down")
                    && runs == 0;
        }

        /** Newer versions write since when instead of true. */
        boolean isMember() {
            return !NO.contains(member);
        }

        @Override
        public String toString() {
            return "in_ccm=%s crmd=%s join=%s expected=%s%s"
                    .formatted(member, process, join, expected, runs == 0 ? "" : ", " + runs + " machines run there");
        }
    }

    /** @throws IOException if it is no such document */
    static ClusterInformation parse(String output) throws IOException {
        int begin = output.indexOf("<cib");
        int end = output.lastIndexOf(ROOT_END);
        if (begin < 0 || end < begin) {
            throw new IOException("this is no cluster information base: "
                    + output.substring(0, Math.min(200, output.length())).replaceAll("\\p{Cntrl}", " "));
        }
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        try {
            XMLStreamReader xml =
                    factory.createXMLStreamReader(new StringReader(output.substring(begin, end + ROOT_END.length())));
            Reading reading = new Reading();
            while (xml.hasNext()) {
                int event = xml.next();
                if (event == XMLStreamReader.START_ELEMENT) {
                    reading.begins(xml);
                } else if (event == XMLStreamReader.END_ELEMENT) {
                    reading.ends();
                }
            }
            return new ClusterInformation(reading.quorum, reading.fences(), reading.nodes);
        } catch (XMLStreamException malformed) {
            throw new IOException("the cluster information base is malformed: " + malformed.getMessage(), malformed);
        }
    }

    /** What it proves. Without a quorum it may be old. */
    Proof proof(Name node) {
        if (!fencing) {
            return new Proof.NoFencing();
        }
        NodeState state = nodes.get(node.value());
        return quorum && state != null && state.isGone() ? new Proof.Gone(node) : new Proof.Missing();
    }

    /** Whether the node was lost and its fencing may be under way, or just not be written down yet. */
    boolean mayBeProvenSoon(Name node) {
        NodeState state = nodes.get(node.value());
        return fencing && quorum && state != null && !state.isGone() && !state.isMember();
    }

    /** For the log. */
    String describe(Name node) {
        return Optional.ofNullable(nodes.get(node.value()))
                        .map(Object::toString)
                        .orElse("unknown to pacemaker")
                + (quorum ? "" : ", no quorum")
                + (fencing ? "" : ", no fencing");
    }

    /** A walk through the document. */
    private static final class Reading {
        private final Deque<String> path = new ArrayDeque<>();
        private final Map<String, NodeState> nodes = new HashMap<>();
        private final Map<String, String> properties = new HashMap<>();
        private boolean quorum;
        private boolean device;
        private boolean watchdog;
        private @Nullable NodeState node;
        private String name = "";
        private boolean ours;
        private long newest;
        private boolean active;

        void begins(XMLStreamReader xml) {
            String element = xml.getLocalName();
            switch (element) {
                case "cib" -> quorum = yes(attribute(xml, "have-quorum"));
                case "nvpair" -> property(xml);
                case "primitive", "template" ->
                    device |= attribute(xml, "class").equals("stonith");
                case "node_state" -> {
                    name = attribute(xml, "uname");
                    node = new NodeState(
                            attribute(xml, "in_ccm"),
                            attribute(xml, "crmd"),
                            attribute(xml, "join"),
                            attribute(xml, "expected"),
                            0);
                }
                case "lrm_resource" -> {
                    ours = attribute(xml, "provider").equals("holdfast");
                    newest = Long.MIN_VALUE;
                    active = false;
                }
                case "lrm_rsc_op" -> operation(xml);
                default -> {}
            }
            path.push(element);
        }

        private void property(XMLStreamReader xml) {
            if (path.contains("crm_config")) {
                // One of several sets may count at a time only: one "off" is enough here.
                properties.merge(
                        attribute(xml, "name"),
                        attribute(xml, "value").toLowerCase(Locale.ROOT),
                        (one, other) -> yes(one) ? other : one);
            }
        }

        /** The newest decides; numbers of a node count up. */
        private void operation(XMLStreamReader xml) {
            long call = number(attribute(xml, "call-id"));
            if (ours && call >= newest) {
                newest = call;
                String code = attribute(xml, "rc-code");
                boolean stopped = attribute(xml, "operation").equals("stop") && code.equals("0");
                active = !stopped && !code.equals("7");
            }
        }

        void ends() {
            String element = path.pop();
            NodeState current = node;
            if (current != null && element.equals("lrm_resource") && ours && active) {
                node = new NodeState(
                        current.member(), current.process(), current.join(), current.expected(), current.runs() + 1);
            } else if (current != null && element.equals("node_state")) {
                nodes.put(name, current);
                node = null;
            }
        }

        boolean fences() {
            watchdog = !Set.of("", "0", "0s").contains(properties.getOrDefault("stonith-watchdog-timeout", ""))
                    && yes(properties.getOrDefault("have-watchdog", ""));
            return yes(properties.getOrDefault("stonith-enabled", "true"))
                    && yes(properties.getOrDefault("fencing-enabled", "true"))
                    && (device || watchdog);
        }

        private static String attribute(XMLStreamReader xml, String name) {
            return Optional.ofNullable(xml.getAttributeValue(null, name)).orElse("");
        }

        private static boolean yes(String value) {
            return YES.contains(value);
        }

        private static long number(String text) {
            try {
                return Long.parseLong(text);
            } catch (NumberFormatException none) {
                return Long.MAX_VALUE; // What cannot be ordered counts.
            }
        }
    }
}
