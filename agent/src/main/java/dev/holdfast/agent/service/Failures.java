package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.StoreUnreachableException;

/** How what goes wrong inside is told to a caller. */
final class Failures {

    /** Something that can go wrong in the cluster. */
    interface Action<R> {
        R run()
                throws StoreUnreachableException, RoundRefusedException, OutcomeUnknownException, InterruptedException,
                        ControlException;
    }

    /** The same without a result. */
    interface Deed {
        void run()
                throws StoreUnreachableException, RoundRefusedException, OutcomeUnknownException, InterruptedException;
    }

    private Failures() {}

    static <R> R told(Action<R> action) throws ControlException, InterruptedException {
        try {
            return action.run();
        } catch (StoreUnreachableException e) {
            throw new ControlException(
                    ErrorCode.STORE_UNREACHABLE,
                    "the store of decisions cannot be used",
                    String.valueOf(e.getMessage()),
                    "running machines are not affected; look at 'holdfast cluster status' and at the ZooKeeper ensemble");
        } catch (RoundRefusedException e) {
            throw ControlException.of(e.because());
        } catch (OutcomeUnknownException e) {
            throw new ControlException(
                    ErrorCode.UNKNOWN_OUTCOME,
                    "it is not known whether it was done",
                    String.valueOf(e.getMessage()),
                    "wait until 'holdfast cluster status' shows no round of the group, then see 'holdfast checkpoint list'"
                            + " and 'holdfast checkpoint show' before you repeat it");
        }
    }

    static void done(Deed deed) throws ControlException, InterruptedException {
        told(() -> {
            deed.run();
            return true;
        });
    }

    static ControlException told(HypervisorException e) {
        ErrorCode code = switch (e.kind()) {
            case REFUSED, NO_SPACE -> ErrorCode.REFUSED;
            case UNKNOWN -> ErrorCode.UNKNOWN_OUTCOME;
            case FAILED, GONE, GUEST_BROKEN -> ErrorCode.FAILED;
        };
        return ControlException.of(code, String.valueOf(e.getMessage()));
    }
}
