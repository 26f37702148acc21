package dev.holdfast.coordinator.group;

import java.util.Optional;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.Message;
import org.jgroups.PhysicalAddress;
import org.jgroups.stack.Protocol;
import org.jgroups.util.ByteArray;
import org.jgroups.util.MessageBatch;
import org.jgroups.util.Util;

/**
 * The protocol just above the transport that seals whole messages, headers included, and drops whatever comes unsealed.
 * It takes the place of SYM_ENCRYPT and AUTH: in JGroups 5.5.7 the former cannot do AES-GCM (it sets an
 * {@code IvParameterSpec}), leaves headers in the clear, and lets through messages that consist of headers only, among them
 * those that suspect and expel members. With everything sealed, who lacks the key can neither join nor speak.
 */
final class Seal extends Protocol {

    private final SealBox box;
    private final Counters counters;

    Seal(SealBox box, Counters counters) {
        this.box = box;
        this.counters = counters;
    }

    @Override
    public Object down(Message message) {
        if (message.getSrc() == null) {
            message.setSrc(local_addr);
        }
        ByteArray plain;
        try {
            plain = Util.messageToBuffer(message);
        } catch (Exception broken) { // declared by JGroups for what cannot happen in memory
            log.error("a message could not be written: " + broken);
            return null;
        }
        Message sealed =
                new BytesMessage(message.getDest(), box.seal(plain.getArray(), plain.getOffset(), plain.getLength()));
        sealed.setSrc(message.getSrc());
        sealed.setFlag(message.getFlags(false), false);
        sealed.setFlag(message.getFlags(true), true);
        return down_prot.down(sealed);
    }

    @Override
    public Object up(Message sealed) {
        Optional<Message> message = open(sealed);
        if (message.isEmpty()) {
            counters.dropped(Drop.UNSEALED);
            return null;
        }
        return up_prot.up(message.get());
    }

    @Override
    public void up(MessageBatch batch) {
        batch.forEach(this::up);
    }

    private Optional<Message> open(Message sealed) {
        if (!sealed.hasArray()) {
            return Optional.empty();
        }
        return box.open(sealed.getArray(), sealed.getOffset(), sealed.getLength())
                .flatMap(this::read)
                .filter(message -> message.getSrc() != null && forUs(message.getDest()));
    }

    private Optional<Message> read(byte[] plain) {
        try {
            return Optional.of(Util.messageFromBuffer(plain, 0, plain.length));
        } catch (Exception broken) { // declared by JGroups; only a node with the key can cause it
            return Optional.empty();
        }
    }

    /** A recorded message for somebody else must not pass. */
    private boolean forUs(Address destination) {
        return destination == null || destination instanceof PhysicalAddress || destination.equals(local_addr);
    }
}
