package dev.holdfast.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BrokenDefinitionsTest {
    private static final Name SHOP = new Name("shop");

    @TempDir
    private Path directory;

    private ConfigurationFiles files;

    @BeforeEach
    void writeOneGoodMachine() throws IOException {
        files = new ConfigurationFiles(directory);
        files.vm("db.toml", ConfigurationFiles.machine("db") + "group = \"shop\"\n");
    }

    private List<String> good() throws ConfigurationException {
        return files.load().vms().stream().map(vm -> vm.name().value()).toList();
    }

    private BrokenDefinition broken() throws ConfigurationException {
        List<BrokenDefinition> broken = files.load().broken();
        assertThat(broken).hasSize(1);
        assertThat(broken.get(0).problems()).isNotEmpty();
        return broken.get(0);
    }

    @Test
    void aSyntaxErrorCostsTheOtherMachinesNothingAndNameAndGroupAreStillTold() throws Exception {
        files.vm("any.toml", "name = \"web\"\ngroup = \"shop\" # both\nmemory = = 5\n");

        assertThat(good()).containsExactly("db");
        assertThat(broken().vm()).contains(new Name("web"));
        assertThat(broken().groups()).containsExactly(SHOP);
        assertThat(broken().anyGroup()).isFalse();
        assertThat(broken().problems().get(0).text()).contains("any.toml:3:10: syntax: ");
    }

    @ParameterizedTest
    @CsvSource({
        // text after a good name, the groups that are told, whether it may be in another
        "group = shop, shop, false",
        "\"group\" = 'shop', shop, false",
        "group = \"sho p\", , true",
        "group: shop, shop, false",
        "gruop = \"shop\", , true",
        "memory = = 1, , true",
        "[[disk]]|group = \"shop\", shop, false",
        "[[disk]]|gruop = \"shop\", , true",
        "# group = \"shop\", , false",
        "group = \"shop\"|group = \"mail\", mail shop, false",
        "group = \"shop, shop, false",
    })
    void aGroupIsToldIfItCanBeAndElseItMayBeAny(String line, String groups, boolean any) throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web") + line.replace('|', '\n') + "\ncpus = \"many\"\n");

        BrokenDefinition broken = broken();
        assertThat(broken.vm()).contains(new Name("web"));
        assertThat(String.join(" ", broken.groups().stream().map(Name::value).toList()))
                .isEqualTo(groups == null ? "" : groups);
        assertThat(broken.anyGroup()).isEqualTo(any);
    }

    @Test
    void whatTwoFilesClaimNeitherHas() throws Exception {
        files.vm("also-db.toml", ConfigurationFiles.machine("db") + "group = \"mail\"\n");
        files.vm("web.toml", ConfigurationFiles.machine("web"));

        assertThat(good()).containsExactly("web");
        assertThat(files.load().broken())
                .extracting(BrokenDefinition::groups)
                .satisfiesExactly(
                        groups -> assertThat(groups).containsExactly(new Name("mail")),
                        groups -> assertThat(groups).containsExactly(SHOP));
        assertThat(files.load().broken()).noneMatch(BrokenDefinition::anyGroup);
    }

    @Test
    void aFileThatCannotBeReadMayBelongToAnyGroupAndIsKnownByItsName() throws Exception {
        Files.createSymbolicLink(directory.resolve("vms/web.toml"), directory.resolve("nowhere"));

        assertThat(good()).containsExactly("db");
        assertThat(broken().vm()).contains(new Name("web"));
        assertThat(broken().anyGroup()).isTrue();
        assertThat(broken().problems().get(0).text()).contains("is missing");
    }

    @Test
    void bytesThatAreNoTextAndDirectoriesAreToldToo() throws Exception {
        Path latin = directory.resolve("vms/latin.toml");
        Files.write(latin, "name = \"x\" # \u00fc\ngroup = \"shop\"\n".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(broken().groups()).containsExactly(SHOP);

        Files.delete(latin);
        Files.createDirectory(directory.resolve("vms/old.toml"));
        assertThat(broken().anyGroup()).isTrue();
        assertThat(broken().problems().get(0).text()).contains("no regular file");
    }

    @Test
    void machinesWithoutAGroupStayWithoutOneIfTheirFileIsTomlWithKnownKeys() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web") + "cpus = 0\n");

        assertThat(broken().groups()).isEmpty();
        assertThat(broken().anyGroup()).isFalse();
    }
}
