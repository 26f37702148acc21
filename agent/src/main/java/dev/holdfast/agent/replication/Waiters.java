package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.replication.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Those who have asked for something and wait. The machine's thread. */
final class Waiters {
    private final List<CompletableFuture<Optional<Reason>>> commands = new ArrayList<>();
    private final List<Commit> commits = new ArrayList<>();

    private record Commit(long epoch, CompletableFuture<Void> done) {}

    /** Somebody wants another role. */
    void addCommand(CompletableFuture<Optional<Reason>> command) {
        commands.add(command);
    }

    /** The primary waits for a commit. */
    void addCommit(long epoch, CompletableFuture<Void> commit) {
        commits.add(new Commit(epoch, commit));
    }

    /** What was asked for is done, or is refused. */
    void tellCommands(Optional<Reason> refused) {
        commands.forEach(command -> command.complete(refused));
        commands.clear();
    }

    /** What was asked for has failed on the way. */
    void failCommands(String why) {
        HypervisorException failure = new HypervisorException(Kind.FAILED, why);
        commands.forEach(command -> command.completeExceptionally(failure));
        commands.clear();
    }

    /** An epoch is committed, and nothing newer is here. */
    void acknowledge(long epoch) {
        commits.removeIf(commit -> {
            if (commit.epoch() > epoch) {
                return false;
            }
            commit.done().complete(null);
            return true;
        });
    }

    /** Whoever waits for this copy waits in vain. */
    void disappoint(String why) {
        HypervisorException never = new HypervisorException(Kind.REFUSED, why);
        commits.forEach(commit -> commit.done().completeExceptionally(never));
        commits.clear();
    }
}
