package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.port.Schedules;
import dev.holdfast.coordinator.port.Schedules.Entry;
import dev.holdfast.coordinator.port.Schedules.Progress;
import dev.holdfast.coordinator.port.Schedules.Result;
import dev.holdfast.coordinator.port.Schedules.Rhythm;
import dev.holdfast.coordinator.port.Schedules.Schedule;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Samples;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@BesideOthers
class SchedulesTest {

    private static final Epoch REIGN = new Epoch(0);
    private static final Name SHOP = new Name("shop");
    private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");

    private final ZooKeeperStore store = SharedEnsemble.open(SharedEnsemble.cluster(), "n1");
    private final Schedules schedules = store.schedules();

    @AfterEach
    void disconnect() {
        store.close();
    }

    private static Schedule nightly() {
        return new Schedule(SHOP, new Rhythm.Cron("0 3 * * *", ZoneId.of("Europe/Berlin")), 7, Samples.OPTIONS);
    }

    private static Progress taken() {
        return new Progress(NOW.plusSeconds(60), Result.TAKEN, "scheduled-x", 2, Optional.of(NOW.plusSeconds(60)));
    }

    @Test
    void whatWasSetIsReadAndGoesWhenItIsRemoved() throws StoreUnreachableException {
        schedules.set(nightly(), NOW);
        assertThat(schedules.entries()).containsExactly(new Entry(nightly(), Progress.from(NOW), 0));
        Schedule other = new Schedule(SHOP, new Rhythm.Every(Duration.ofHours(6)), 0, Samples.OPTIONS);
        schedules.set(other, NOW);
        assertThat(schedules.entries()).extracting(Entry::schedule).containsExactly(other);
        assertThat(schedules.remove(SHOP)).isTrue();
        assertThat(schedules.remove(SHOP)).isFalse();
        assertThat(schedules.entries()).isEmpty();
    }

    @Test
    void aNoteIsKept() throws StoreUnreachableException {
        schedules.set(nightly(), NOW);
        Entry read = schedules.entries().get(0);
        Entry noted = schedules.note(read, taken(), REIGN).orElseThrow();
        assertThat(schedules.entries()).containsExactly(noted);
        assertThat(noted.progress()).isEqualTo(taken());
    }

    @Test
    void aNoteOnWhatWasChangedMeanwhileIsRefused() throws StoreUnreachableException {
        schedules.set(nightly(), NOW);
        Entry read = schedules.entries().get(0);
        schedules.set(nightly(), NOW.plusSeconds(1));
        assertThat(schedules.note(read, taken(), REIGN)).isEmpty();
        assertThat(schedules.entries().get(0).progress().result()).isEqualTo(Result.NONE);
    }

    @Test
    void aLeaderWhoseReignIsOverNotesNothing() throws StoreUnreachableException {
        schedules.set(nightly(), NOW);
        assertThat(schedules.note(schedules.entries().get(0), taken(), new Epoch(7)))
                .isEmpty();
        assertThat(schedules.entries().get(0).progress().result()).isEqualTo(Result.NONE);
    }
}
