package dev.holdfast.coordinator.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.Schedules.Entry;
import dev.holdfast.coordinator.port.Schedules.Progress;
import dev.holdfast.coordinator.port.Schedules.Result;
import dev.holdfast.coordinator.port.Schedules.Rhythm;
import dev.holdfast.coordinator.port.Schedules.Schedule;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Samples;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AgendaTest {

    private static final Rhythm HOURLY = new Rhythm.Every(Duration.ofHours(1));
    private static final Rhythm AT_THREE = new Rhythm.Cron("0 3 * * *", ZoneId.of("Europe/Berlin"));

    private static Instant at(String time) {
        return Instant.parse("2026-11-21T" + time + "Z");
    }

    private static Entry entry(Rhythm rhythm, Instant since) {
        return new Entry(new Schedule(new Name("shop"), rhythm, 3, Samples.OPTIONS), Progress.from(since), 0);
    }

    @Test
    void nothingIsDueBeforeItsTime() {
        assertThat(Agenda.look(entry(HOURLY, at("10:00:00")), at("10:59:59"))).isEmpty();
    }

    @Test
    void whatIsDueIsBegunOnce() {
        Entry entry = entry(HOURLY, at("10:20:00"));
        Agenda.Step step = Agenda.look(entry, at("11:00:02")).orElseThrow();
        assertThat(step.begin()).isTrue();
        assertThat(step.progress().due()).isEqualTo(at("11:00:00"));
        assertThat(step.progress().missed()).isZero();
        assertThat(Agenda.look(new Entry(entry.schedule(), step.progress(), 1), at("11:00:04")))
                .isEmpty();
    }

    @Test
    void aNewLeaderTakesWhatIsOnlyALittleLate() {
        assertThat(Agenda.look(entry(HOURLY, at("10:20:00")), at("11:01:00"))
                        .orElseThrow()
                        .begin())
                .isTrue();
    }

    @Test
    void whatIsTooLateIsMissedAndCounted() {
        Agenda.Step step =
                Agenda.look(entry(HOURLY, at("10:20:00")), at("13:30:00")).orElseThrow();
        assertThat(step.begin()).isFalse();
        assertThat(step.progress().result()).isEqualTo(Result.MISSED);
        assertThat(step.progress().missed()).isEqualTo(3);
        assertThat(step.progress().due()).isEqualTo(at("13:00:00"));
    }

    @Test
    void thoseBeforeTheOneThatIsInTimeAreMissed() {
        Agenda.Step step =
                Agenda.look(entry(HOURLY, at("10:20:00")), at("13:00:01")).orElseThrow();
        assertThat(step.begin()).isTrue();
        assertThat(step.progress().missed()).isEqualTo(2);
    }

    @Test
    void cronIsReadByTheClockOfItsZone() {
        Entry entry = entry(AT_THREE, at("00:00:00"));
        assertThat(Agenda.look(entry, at("01:59:59"))).isEmpty();
        assertThat(Agenda.look(entry, at("02:00:00")).orElseThrow().progress().due())
                .isEqualTo(at("02:00:00"));
        assertThat(Timetable.of(AT_THREE).after(at("02:00:00"))).contains(Instant.parse("2026-11-22T02:00:00Z"));
    }

    @Test
    void aNightWithTwoThreesOrNoneIsTakenOnce() {
        // 2026-10-25: 02:30 comes twice in Berlin; 2026-03-29: it does not come.
        Timetable half = Timetable.of(new Rhythm.Cron("30 2 * * *", ZoneId.of("Europe/Berlin")));
        Optional<Instant> first = half.after(Instant.parse("2026-10-24T20:00:00Z"));
        assertThat(first).contains(Instant.parse("2026-10-25T00:30:00Z"));
        assertThat(half.after(Instant.parse("2026-03-28T20:00:00Z")).orElseThrow())
                .isBefore(Instant.parse("2026-03-30T01:00:00Z"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "*/15 * * * *"})
    void takesWhatCrontabTakes(String expression) {
        Timetable times = Timetable.of(new Rhythm.Cron(expression, ZoneId.of("UTC")));
        assertThat(times.after(at("10:07:00"))).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "@often", "61 * * * *", "* * *", "0 0 3 * * *"})
    void refusesWhatIsNoCronExpression(String expression) {
        assertThatThrownBy(() -> Timetable.of(new Rhythm.Cron(expression, ZoneId.of("UTC"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("five fields");
    }
}
