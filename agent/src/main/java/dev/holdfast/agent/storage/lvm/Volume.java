package dev.holdfast.agent.storage.lvm;

import dev.holdfast.agent.storage.ImageStore.Way;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A logical volume, as {@code lvs} tells of it. Immutable.
 *
 * @param facts by the names of {@link #FIELDS}, each of which is there
 */
record Volume(Map<String, String> facts) {
    /** What is asked of each volume. */
    static final List<String> FIELDS = List.of(
            "vg_name",
            "lv_name",
            "lv_size",
            "lv_layout",
            "lv_role",
            "origin",
            "pool_lv",
            "data_percent",
            "metadata_percent",
            "lv_tags",
            "lv_active",
            "lv_active_exclusively",
            "lv_suspended",
            "lv_merging",
            "lv_health_status",
            "lv_check_needed",
            "lv_snapshot_invalid",
            "vg_free",
            "vg_extent_size",
            "vg_shared",
            "vg_clustered",
            "vg_partial");

    /** Volumes that are copied by a thick snapshot. Caches and the like are not: nobody has tried what becomes of their snapshots. */
    private static final Set<String> THICK_LAYOUTS = Set.of("linear", "striped", "mirror", "raid");

    /** @throws IllegalArgumentException if one is missing or is no number where it must be */
    Volume {
        facts = Map.copyOf(facts);
        if (!facts.keySet().containsAll(FIELDS)) {
            throw new IllegalArgumentException("a volume of which it is not all told: " + facts);
        }
        for (String field : List.of("lv_size", "vg_free", "vg_extent_size")) {
            Long.parseLong(facts.get(field));
        }
    }

    private String fact(String field) {
        return facts.getOrDefault(field, "");
    }

    private boolean says(String field, String word) {
        return fact(field).equals(word);
    }

    private List<String> words(String field) {
        return Arrays.stream(fact(field).split(","))
                .filter(word -> !word.isEmpty())
                .toList();
    }

    String group() {
        return fact("vg_name");
    }

    String name() {
        return fact("lv_name");
    }

    /** As LVM's commands want it. */
    String fullName() {
        return group() + "/" + name();
    }

    long bytes() {
        return Long.parseLong(fact("lv_size"));
    }

    long groupFree() {
        return Long.parseLong(fact("vg_free"));
    }

    long extent() {
        return Long.parseLong(fact("vg_extent_size"));
    }

    List<String> tags() {
        return words("lv_tags");
    }

    /** What it is a snapshot of; empty if of nothing. */
    Optional<String> origin() {
        return Optional.of(fact("origin")).filter(name -> !name.isEmpty());
    }

    Optional<String> pool() {
        return Optional.of(fact("pool_lv")).filter(name -> !name.isEmpty());
    }

    boolean isThickSnapshot() {
        return words("lv_role").contains("thicksnapshot");
    }

    boolean isThickOrigin() {
        return words("lv_role").contains("thickorigin");
    }

    /** Whether it is a snapshot, as each copy is. A host that crashes while LVM makes a thick one leaves a plain volume of that name, with its tag. */
    boolean isWholeCopy() {
        return isThickSnapshot() || pool().isPresent();
    }

    /** How it can be copied; empty if it cannot. */
    Optional<Way> best() {
        List<String> layout = words("lv_layout");
        if (pool().isPresent() && layout.contains("thin")) {
            return Optional.of(Way.THIN);
        }
        boolean thick = !layout.isEmpty()
                && THICK_LAYOUTS.contains(layout.get(0))
                && !words("lv_role").contains("private");
        return thick && !isThickSnapshot() ? Optional.of(Way.THICK) : Optional.empty();
    }

    /** For the user: what it is. */
    String kind() {
        if (isThickSnapshot()) {
            return "thick snapshot";
        }
        return pool().map(pool -> "thin volume of pool " + pool)
                .orElse(String.join(" ", words("lv_layout")) + " volume");
    }

    boolean isActive() {
        return !fact("lv_active").isEmpty();
    }

    boolean isActiveExclusively() {
        return !fact("lv_active_exclusively").isEmpty();
    }

    boolean isSuspended() {
        return says("lv_suspended", "suspended");
    }

    boolean isMerging() {
        return says("lv_merging", "merging");
    }

    /** A thick snapshot that had no room left for what was overwritten in its origin. */
    boolean isOverflown() {
        return says("lv_snapshot_invalid", "snapshot invalid");
    }

    /** Metadata of a pool that the kernel has given up. */
    boolean hasFailed() {
        return says("lv_health_status", "failed") || says("lv_check_needed", "check needed");
    }

    /** Something of it lies on a device that is missing. */
    boolean isPartial() {
        return says("lv_health_status", "partial");
    }

    /** What is the matter with it, in LVM's words; empty if nothing is. */
    String ailment() {
        return fact("lv_health_status");
    }

    boolean inSharedGroup() {
        return says("vg_shared", "shared");
    }

    boolean inClusteredGroup() {
        return says("vg_clustered", "clustered");
    }

    boolean inPartialGroup() {
        return says("vg_partial", "partial");
    }

    /** How full a pool is of data; 0 of what is no pool. */
    double dataPercent() {
        return percent("data_percent");
    }

    /** How full a pool is of metadata; 0 of what is no pool. */
    double metadataPercent() {
        return percent("metadata_percent");
    }

    private double percent(String field) {
        return fact(field).isEmpty() ? 0 : Double.parseDouble(fact(field));
    }
}
