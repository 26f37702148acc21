package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmIdentity;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Flag;
import java.time.Duration;
import java.util.Optional;

/**
 * One life of a domain: Xen gives its number to no other one before it has counted to 32,752.
 *
 * @param id its number
 * @param uuid of its configuration
 * @param xl asks for it
 */
record DomainIdentity(int id, String uuid, Xl xl) implements VmIdentity {
    /** What is known of it now; empty if it is gone. @throws HypervisorException UNKNOWN if it cannot be told */
    Optional<XlDomain> look() throws HypervisorException {
        return look(xl.quick());
    }

    /** As {@link #look()}. @throws HypervisorException UNKNOWN also if it cannot be told in time */
    Optional<XlDomain> look(Duration bound) throws HypervisorException {
        return xl.within(bound).list().stream()
                .filter(domain -> domain.id() == id && domain.uuid().equals(uuid) && !domain.is(Flag.DYING))
                .findFirst();
    }

    /** One that cannot be told for sure is taken for alive. */
    @Override
    public boolean isAlive() {
        try {
            return look().isPresent();
        } catch (HypervisorException e) {
            return true;
        }
    }

    @Override
    public String word() {
        return "domain-" + id;
    }

    @Override
    public String label() {
        return "domain " + id;
    }
}
