package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Machines that share a node. */
class RoomTest {

    private static Room.Need need(String vm, String of, long mebibytes, long available) {
        return new Room.Need(vm, of, mebibytes << 20, available << 20, "make room");
    }

    @Test
    void whatFitsAloneMayNotFitTogether() {
        assertThat(Room.shortage(List.of(need("web", "RAM", 600, 1000), need("db", "RAM", 600, 900))))
                .contains("db, web together need 1200 MiB of RAM and 900 MiB are free; make room");
    }

    @Test
    void machinesOnDifferentFileSystemsAreNotInEachOthersWay() {
        assertThat(Room.shortage(List.of(need("web", "/a", 600, 1000), need("db", "/b", 600, 900))))
                .isEmpty();
        assertThat(Room.shortage(List.of())).isEmpty();
    }
}
