package dev.holdfast.agent.inspection;

import dev.holdfast.agent.cluster.InspectionDesk;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.fsck.Repair;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What this node tells other agents, and itself, for {@code fsck} and {@code doctor}. Thread-safe. */
public final class Inspection implements InspectionDesk {

    private static final String REPAIR = "repair";
    private static final String DONE = "done";
    private static final String FROM = "from";

    /** A quarter of what an answer may have: the machine that goes beyond it still fits. */
    private static final int PAGE = 256 * 1024;

    private final NodeLook look;
    private final NodeRepair repair;
    private final Supplier<DoctorReport> doctor;

    /**
     * @param node what is looked at
     * @param doctor how it is
     */
    public Inspection(NodeTools node, Supplier<DoctorReport> doctor) {
        this.doctor = doctor;
        this.look = new NodeLook(node);
        this.repair = new NodeRepair(node, look);
    }

    /** The request for a look at the machines from a number on. */
    public static JsonObject look(int from) {
        return JsonObject.of(Map.of(FROM, from));
    }

    /** The request for a repair. */
    public static JsonObject order(Repair repair) {
        return JsonObject.of(Map.of(REPAIR, JsonObject.of(repair)));
    }

    /** The answer to {@link #look}. */
    public static NodePage page(JsonObject answer) throws JsonException {
        return answer.as(NodePage.class);
    }

    /** The answer to {@link #order}: whether there was still a reason. */
    public static boolean wasDone(JsonObject answer) throws JsonException {
        return answer.flag(DONE).orElse(false);
    }

    @Override
    public JsonObject doctor() {
        return JsonObject.of(doctor.get());
    }

    @Override
    public JsonObject fsck(JsonObject body) throws RoundRefusedException, JsonException {
        Optional<JsonObject> order = body.object(REPAIR);
        long from = body.number(FROM).orElse(0L);
        try {
            if (order.isEmpty()) {
                return JsonObject.of(look.page((int) Math.max(0, Math.min(from, Integer.MAX_VALUE)), PAGE));
            }
            return JsonObject.of(Map.of(DONE, repair.carryOut(order.get().as(Repair.class))));
        } catch (SnapshotException e) {
            throw new RoundRefusedException(e.because());
        }
    }
}
