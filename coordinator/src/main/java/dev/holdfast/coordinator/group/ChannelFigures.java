package dev.holdfast.coordinator.group;

import java.util.Map;

/**
 * What went through a channel since it was made. Immutable.
 *
 * @param sent messages put in the lanes of their receivers, one for each receiver
 * @param received messages handed to the listener, those of this node to itself excepted
 * @param dropped the others, by reason; every reason is there
 */
public record ChannelFigures(long sent, long received, Map<Drop, Long> dropped) {

    public ChannelFigures {
        dropped = Map.copyOf(dropped);
    }
}
