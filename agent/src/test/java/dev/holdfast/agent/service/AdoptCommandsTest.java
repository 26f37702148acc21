package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.config.ConfigurationFiles;
import dev.holdfast.agent.config.VmSettings;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.reply.Adoption;
import dev.holdfast.agent.hypervisor.ForeignMachines;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is answered to who asks for the definition of a machine that somebody else has made. */
class AdoptCommandsTest {
    private static final VmDefinition.Disk DISK = new VmDefinition.Disk("vda", Path.of("/srv/a \"b\"\\c.img"));

    @TempDir
    private Path directory;

    private Adoption adopt(ForeignMachines.Found found, Map<String, ?> arguments) throws Exception {
        return adopt(OneDisk.definition(new Name("web")), found, arguments);
    }

    private Adoption adopt(VmDefinition defined, ForeignMachines.Found found, Map<String, ?> arguments)
            throws Exception {
        AdoptCommands commands = new AdoptCommands(
                called -> found,
                OneDisk.machines(defined, Answers.of(Hypervisor.class, Map.of())),
                directory.resolve("vms"));
        return commands.adopt(new Arguments(JsonObject.of(arguments)));
    }

    private static ForeignMachines.Found found(String name, String... obstacles) {
        return new ForeignMachines.Found(name, name, List.of(DISK), List.of(obstacles), List.of("a remark"));
    }

    @Test
    void theDefinitionThatIsShownIsOneThatIsRead() throws Exception {
        Adoption adoption =
                adopt(found("Mail server"), Map.of("domain", "Mail server", "name", "mail", "group", "shop"));
        assertThat(adoption.file()).isEqualTo(directory.resolve("vms/mail.toml").toString());
        assertThat(adoption.remarks()).containsExactly("a remark");

        ConfigurationFiles files = new ConfigurationFiles(directory.resolve("read"));
        files.vm("mail.toml", adoption.definition());
        assertThat(files.load().vm(new Name("mail")))
                .contains(new VmSettings(
                        new Name("mail"),
                        Optional.of(new Name("shop")),
                        HypervisorKind.LIBVIRT,
                        Optional.empty(),
                        Optional.of("Mail server"),
                        List.of(new VmSettings.Disk("vda", DISK.path(), Keep.AUTO)),
                        Optional.empty()));
        assertThat(adopt(found("mail"), Map.of("domain", "mail")).definition()).doesNotContain("domain =");
    }

    @Test
    void whatSpeaksAgainstItIsSaidAndNoDefinitionIsShown() {
        ControlException refused = catchThrowableOfType(
                ControlException.class,
                () -> adopt(found("mail", "disk vda is x", "disk vdb is y"), Map.of("domain", "mail")));
        assertThat(refused.code()).isEqualTo(ErrorCode.REFUSED);
        assertThat(refused).hasMessageContaining("disk vda is x; disk vdb is y");
    }

    @Test
    void whatAnotherDefinitionHasIsNotDefinedTwice() {
        VmDefinition post =
                new VmDefinition(new Name("post"), HypervisorKind.LIBVIRT, Optional.empty(), "mail", List.of());
        ControlException domain = catchThrowableOfType(
                ControlException.class, () -> adopt(post, found("mail"), Map.of("domain", "mail")));
        assertThat(domain.code()).isEqualTo(ErrorCode.REFUSED);
        assertThat(domain).hasMessageContaining("the machine post has the domain mail already");
        VmDefinition own =
                OneDisk.definition(new Name("web"), new VmDefinition.Disk("d0", Path.of("/srv/x/../a \"b\"\\c.img")));
        ControlException disk =
                catchThrowableOfType(ControlException.class, () -> adopt(own, found("mail"), Map.of("domain", "mail")));
        assertThat(disk.code()).isEqualTo(ErrorCode.REFUSED);
        assertThat(disk).hasMessageContaining("the machine web has the disk " + DISK.path() + " already");
    }

    @Test
    void aNameThatIsTakenOrIsNoneIsRefusedWithWhatToDo() {
        ControlException taken =
                catchThrowableOfType(ControlException.class, () -> adopt(found("web"), Map.of("domain", "web")));
        assertThat(taken.code()).isEqualTo(ErrorCode.REFUSED);
        assertThat(taken).hasMessageContaining("there is a machine web already");
        ControlException none = catchThrowableOfType(
                ControlException.class, () -> adopt(found("Mail server"), Map.of("domain", "Mail server")));
        assertThat(none.code()).isEqualTo(ErrorCode.REFUSED);
        assertThat(none).hasMessageContaining("cannot be the name of a machine");
        assertThat(catchThrowableOfType(ControlException.class, () -> adopt(found("mail"), Map.of()))
                        .code())
                .isEqualTo(ErrorCode.BAD_REQUEST);
    }
}
