package dev.holdfast.agent.service;

import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.pacemaker.Handover;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A switchover of a machine that pacemaker has in its hands: pacemaker demotes it here and promotes it there. Thread-safe. */
final class PacemakerSwitchover {
    private static final Logger LOG = LoggerFactory.getLogger(PacemakerSwitchover.class);
    private static final long LOOK_MILLIS = 100;
    private static final int TRIES = 3;

    private final Handover handover;

    PacemakerSwitchover(Handover handover) {
        this.handover = handover;
    }

    /** As which resource pacemaker runs it; empty if it does not. */
    Optional<String> resource(Name vm) throws ControlException {
        try {
            return handover.resource(vm);
        } catch (IOException e) {
            throw new ControlException(
                    ErrorCode.FAILED, "whether pacemaker runs %s cannot be told".formatted(vm), e.toString(), "");
        }
    }

    /**
     * Returns when the store says that the machine runs there.
     *
     * @param resource as which pacemaker runs it
     * @param running where it runs, as the store has last said
     */
    Done run(Name vm, String resource, Name target, Duration patience, Supplier<Optional<Name>> running)
            throws ControlException, InterruptedException {
        CompletableFuture<Name> there = new CompletableFuture<>();
        try {
            Handover.Preference preference = handover.prefer(resource, target);
            try {
                watch(target, running, there);
                there.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                there.cancel(false);
                end(preference, resource, target);
            }
        } catch (IOException e) {
            throw new ControlException(
                    ErrorCode.FAILED,
                    "pacemaker is not told to promote %s on %s".formatted(resource, target),
                    String.valueOf(e.getMessage()),
                    "is pacemaker running? 'crm_mon -1' says so");
        } catch (TimeoutException e) {
            throw new ControlException(
                    ErrorCode.UNKNOWN_OUTCOME,
                    "pacemaker has not promoted %s on %s after %d s".formatted(resource, target, patience.toSeconds()),
                    "a constraint, the maintenance-mode or a refusal is in its way",
                    "'crm_mon -1A' shows where %s is, and what was refused".formatted(vm));
        } catch (ExecutionException e) {
            throw ControlException.of(
                    ErrorCode.INTERNAL, String.valueOf(e.getCause().getMessage()));
        }
        return new Done("%s goes on on %s; pacemaker has promoted %s there".formatted(vm, target, resource));
    }

    private static void end(Handover.Preference preference, String resource, Name target) {
        for (int left = TRIES - 1; ; left--) {
            try {
                preference.end();
                return;
            } catch (IOException e) {
                if (left == 0) {
                    LOG.warn(
                            "the promotion score of {} on {} is too high until it changes: {}",
                            resource,
                            target,
                            e.getMessage());
                    return;
                }
            }
        }
    }

    private static void watch(Name target, Supplier<Optional<Name>> running, CompletableFuture<Name> there) {
        if (running.get().filter(target::equals).isPresent()) {
            there.complete(target);
        } else if (!there.isDone()) {
            CompletableFuture.delayedExecutor(LOOK_MILLIS, TimeUnit.MILLISECONDS)
                    .execute(() -> watch(target, running, there));
        }
    }
}
