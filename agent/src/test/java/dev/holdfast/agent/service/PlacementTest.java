package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The note is the one that the resource agent writes (vm.bats shows when it does). */
class PlacementTest {

    private static final Name WEB = new Name("web");
    private static final Placement.Instead STOP =
            new Placement.Instead("crm resource stop %s", "pcs resource disable %s");

    @TempDir
    private Path directory;

    private Optional<String> maintenance = Optional.empty();

    private void ask(Map<String, Object> arguments) throws ControlException {
        new Placement(vm -> directory, () -> maintenance).refuse(new Arguments(JsonObject.of(arguments)), WEB, STOP);
    }

    private void note(String text) throws IOException {
        Files.writeString(directory.resolve("placed"), text);
    }

    @Test
    void whatIsNotPacemakersMayBeStopped() {
        assertThatCode(() -> ask(Map.of())).doesNotThrowAnyException();
    }

    @Test
    void namesTheCommandsForWhatPacemakerManages() throws IOException {
        note("shop-web\n");
        assertThatThrownBy(() -> ask(Map.of())).isInstanceOfSatisfying(ControlException.class, told -> {
            assertThat(told.code()).isEqualTo(ErrorCode.REFUSED);
            assertThat(told).hasMessage("web is managed by pacemaker, as resource shop-web");
            assertThat(told.correction())
                    .isEqualTo("'crm resource stop shop-web', or 'pcs resource disable shop-web'; --force does it all"
                            + " the same");
        });
        note("\u001b[2J");
        assertThatThrownBy(() -> ask(Map.of())).hasMessageContaining("as resource web");
    }

    @Test
    void pacemakerItselfAndWhoInsistsAreNotRefused() throws IOException {
        note("web\n");
        assertThatCode(() -> ask(Map.of("placed", true))).doesNotThrowAnyException();
        assertThatCode(() -> ask(Map.of("force", true))).doesNotThrowAnyException();
    }

    @Test
    void nobodyIsRefusedWhilePacemakerLooksAway() throws IOException {
        note("web\n");
        maintenance = Optional.of("maintenance-mode");
        assertThatCode(() -> ask(Map.of())).doesNotThrowAnyException();
    }

    @Test
    void isForgottenWhenItHasStopped() throws IOException {
        note("web\n");
        new Placement(vm -> directory, () -> maintenance).forget(WEB);
        assertThatCode(() -> ask(Map.of())).doesNotThrowAnyException();
    }
}
