package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers other agents. Called on threads that may block. Thread-safe. */
public final class PeerDesk implements BiFunction<Name, byte[], byte[]> {

    private static final Logger LOG = LoggerFactory.getLogger(PeerDesk.class);

    private final LeaderDesk leader;
    private final MemberParts parts;
    private final MigrationDesk migrations;
    private final ReplicationDesk replicas;
    private final InspectionDesk inspection;

    /**
     * @param leader what this node does while it holds office
     * @param parts what this node does to its machines' parts
     * @param migrations what this node does for machines that come or go
     * @param replicas what this node does for the primaries of others
     * @param inspection what this node tells of itself
     */
    public PeerDesk(
            LeaderDesk leader,
            MemberParts parts,
            MigrationDesk migrations,
            ReplicationDesk replicas,
            InspectionDesk inspection) {
        this.leader = leader;
        this.parts = parts;
        this.migrations = migrations;
        this.replicas = replicas;
        this.inspection = inspection;
    }

    @Override
    public byte[] apply(Name from, byte[] bytes) {
        try {
            PeerRequest request = PeerRequest.parse(bytes);
            LOG.debug("{} asks for {}", from, request.kind());
            return PeerAnswer.result(answer(request));
        } catch (RoundRefusedException e) {
            return PeerAnswer.refusal(e.because());
        } catch (StoreUnreachableException e) {
            return PeerAnswer.refusal(new Refusal(Refusal.Kind.STORE_UNREACHABLE, String.valueOf(e.getMessage())));
        } catch (JsonException | IllegalArgumentException e) {
            return PeerAnswer.refusal(Refusal.failed("request of " + from + ": " + e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return PeerAnswer.unknown("the agent that was asked ended before it was done");
        }
    }

    private JsonObject answer(PeerRequest request)
            throws RoundRefusedException, StoreUnreachableException, JsonException, InterruptedException {
        JsonObject body = request.body();
        return switch (request.kind()) {
            case RUN_ROUND ->
                JsonObject.of(
                        Map.of("outcome", leader.run(WishForm.read(body)).kind().name()));
            case ABORT_ROUND -> JsonObject.of(Map.of("aborted", leader.abort(name(body, "group"))));
            case DELETE_CHECKPOINT -> {
                leader.delete(name(body, "group"), name(body, "checkpoint"));
                yield JsonObject.empty();
            }
            case PREFLIGHT -> {
                Wish wish = WishForm.read(body.object("wish").orElse(JsonObject.empty()));
                yield ForecastForm.write(
                        parts.preflight(wish.kind(), name(body, "vm"), wish.checkpoint(), wish.options()));
            }
            case TIES -> {
                Wish wish = WishForm.read(body.object("wish").orElse(JsonObject.empty()));
                yield JsonObject.of(Map.of("ties", parts.ties(name(body, "vm"), wish.options())));
            }
            case DELETE_PART ->
                whereItIs(name(body, "vm"), vm -> {
                    parts.delete(vm, name(body, "checkpoint"));
                    return JsonObject.empty();
                });
            case VERIFY_PART ->
                whereItIs(
                        name(body, "vm"),
                        vm -> JsonObject.of(Map.of("files", parts.verify(vm, name(body, "checkpoint")))));
            case MIGRATION -> migrations.answer(body);
            case REPLICATION -> replicas.answer(body);
            case FSCK -> inspection.fsck(body);
            case DOCTOR -> inspection.doctor();
        };
    }

    private interface Part {
        JsonObject of(Name vm) throws RoundRefusedException, JsonException;
    }

    private JsonObject whereItIs(Name vm, Part part) throws RoundRefusedException, JsonException {
        Optional<Name> moved = migrations.destinationOfDisks(vm);
        return moved.isPresent() ? Peers.movedTo(moved.get()) : part.of(vm);
    }

    private static Name name(JsonObject body, String key) throws JsonException {
        return new Name(body.text(key).orElseThrow(() -> new JsonException("\"" + key + "\" is missing")));
    }
}
