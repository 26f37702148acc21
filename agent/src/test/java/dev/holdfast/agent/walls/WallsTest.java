package dev.holdfast.agent.walls;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who may import whom, for coordinator and agent together. Each rule is applied twice: to the product, which must keep it,
 * and to {@code dev.holdfast.wrong}, which must break it.
 */
class WallsTest {

    private static final JavaClasses PRODUCT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.holdfast");

    private static final JavaClasses WRONG = new ClassFileImporter().importPackages("dev.holdfast.wrong");

    private static final Map<String, ArchRule> RULES = new TreeMap<>(Map.ofEntries(
            Map.entry("JGroups is known in coordinator.group alone", only("org.jgroups..", "..coordinator.group..")),
            Map.entry(
                    "Curator is known in coordinator.zookeeper alone",
                    only("org.apache.curator..", "..coordinator.zookeeper..")),
            Map.entry(
                    "ZooKeeper is known in coordinator.zookeeper alone",
                    only("org.apache.zookeeper..", "..coordinator.zookeeper..")),
            Map.entry(
                    "Jackson is known in codec, json and qmp alone",
                    only("com.fasterxml.jackson..", "..coordinator.codec..", "..agent.json..", "..agent.qmp..")),
            Map.entry("junixsocket is known in agent.unix alone", only("org.newsclub.net..", "..agent.unix..")),
            Map.entry("picocli is known in agent.cli alone", only("picocli..", "..agent.cli..")),
            Map.entry("TOML is known in agent.config alone", only("org.tomlj..", "..agent.config..")),
            Map.entry("only the composition root has clocks and chance", onlyTheRootIsFree()),
            Map.entry(
                    "no package needs itself by way of others",
                    slices().matching("dev.holdfast.(**)").should().beFreeOfCycles()),
            Map.entry(
                    "names say what a type is",
                    noClasses().should().haveNameMatching(".*(Utils?|Helpers?|Managers?|Impl)(\\$.*)?")),
            Map.entry(
                    "every package is null-marked and says why it is there",
                    classes().should(liveInAMarkedPackage())),
            Map.entry(
                    "what talks to hypervisors knows no cluster",
                    noClasses()
                            .that()
                            .resideInAnyPackage(
                                    "..agent.hypervisor..",
                                    "..agent.qmp..",
                                    "..agent.virsh..",
                                    "..agent.snapshot..",
                                    "..agent.storage..",
                                    "..agent.cow..",
                                    "..agent.vm..",
                                    "..agent.unix..",
                                    "..agent.json..",
                                    "..agent.config..",
                                    "..agent.timeline..",
                                    "..agent.guard..")
                            .should()
                            .dependOnClassesThat(knowsTheCluster())),
            Map.entry(
                    "only the composition root knows the driver for QEMU", knownToTheRoot("..agent.hypervisor.qemu..")),
            Map.entry(
                    "only the composition root knows the driver for User-Mode Linux",
                    knownToTheRoot("..agent.hypervisor.uml..")),
            Map.entry("only the composition root knows the driver for Xen", knownToTheRoot("..agent.hypervisor.xen..")),
            Map.entry(
                    "storages know neither chains nor machines nor freezes",
                    noClasses()
                            .that()
                            .resideInAPackage("..agent.storage..")
                            .should()
                            .dependOnClassesThat(areHoldfastsAndNoneOf(
                                    "dev.holdfast.agent.storage..",
                                    "dev.holdfast.agent.files",
                                    "dev.holdfast.agent.process"))),
            Map.entry(
                    "only the composition root knows the driver for libvirt",
                    knownToTheRoot("..agent.hypervisor.libvirt..")),
            Map.entry(
                    "the command line reaches the agent through the control socket alone",
                    noClasses()
                            .that()
                            .resideInAPackage("..agent.cli..")
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(
                                    "..agent.snapshot..",
                                    "..agent.hypervisor..",
                                    "..agent.vm..",
                                    "..agent.round..",
                                    "..agent.service..",
                                    "..agent.cluster..",
                                    "..agent.journal..",
                                    "..coordinator.engine..",
                                    "..coordinator.zookeeper..",
                                    "..coordinator.group..")),
            Map.entry(
                    "only the composition root knows the adapters of store and channel",
                    noClasses()
                            .that()
                            .resideInAPackage("dev.holdfast..")
                            .and()
                            .resideOutsideOfPackages(
                                    "dev.holdfast.agent",
                                    "..agent.node..",
                                    "dev.holdfast.coordinator.zookeeper",
                                    "dev.holdfast.coordinator.group")
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(
                                    "dev.holdfast.coordinator.zookeeper", "dev.holdfast.coordinator.group"))));

    private static ArchRule only(String library, String... packages) {
        return noClasses()
                .that()
                .resideOutsideOfPackages(packages)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library);
    }

    private static ArchRule knownToTheRoot(String driver) {
        return only(driver, driver, "dev.holdfast.agent");
    }

    /** What an administrator chooses is a value, as names are. */
    private static DescribedPredicate<JavaClass> knowsTheCluster() {
        return resideInAnyPackage("..coordinator..")
                .and(DescribedPredicate.not(resideInAPackage("..coordinator.protocol")))
                .and(DescribedPredicate.not(nameMatching(".*\\.coordinator\\.replication\\.Policy(\\$.*)?")));
    }

    /** A progress and a name are values. */
    private static DescribedPredicate<JavaClass> areHoldfastsAndNoneOf(String... packages) {
        return resideInAPackage("dev.holdfast..")
                .and(DescribedPredicate.not(resideInAnyPackage(packages)))
                .and(DescribedPredicate.not(nameMatching(".*\\.(hypervisor\\.Progress|protocol\\.Name)")));
    }

    private static ArchRule onlyTheRootIsFree() {
        return noClasses()
                .that()
                .doNotHaveFullyQualifiedName("dev.holdfast.agent.HoldfastMain")
                .and()
                .doNotHaveFullyQualifiedName("dev.holdfast.agent.HoldfastDaemons")
                .should()
                .accessTargetWhere(isNotTheSameTwice());
    }

    /** Sealing needs unpredictable salt wherever it is done; {@code SecureRandom} is therefore no part of this. */
    private static DescribedPredicate<JavaAccess<?>> isNotTheSameTwice() {
        Set<String> forbidden = Set.of(
                "java.time.Instant.now",
                "java.time.LocalDate.now",
                "java.time.LocalDateTime.now",
                "java.time.OffsetDateTime.now",
                "java.time.ZonedDateTime.now",
                "java.time.InstantSource.system",
                "java.time.Clock.systemUTC",
                "java.time.Clock.systemDefaultZone",
                "java.lang.System.currentTimeMillis",
                "java.lang.System.nanoTime",
                "java.lang.Thread.sleep",
                "java.lang.Math.random",
                "java.util.Random.<init>",
                "java.util.UUID.randomUUID",
                "java.util.concurrent.TimeUnit.sleep",
                "java.util.concurrent.ThreadLocalRandom.current");
        return DescribedPredicate.describe(
                "a clock, a sleep or chance",
                access -> forbidden.contains(access.getTargetOwner().getName() + "."
                        + access.getTarget().getName()));
    }

    private static ArchCondition<JavaClass> liveInAMarkedPackage() {
        return new ArchCondition<>("live in a package with package-info and @NullMarked") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean marked = type.getPackage()
                        .tryGetPackageInfo()
                        .filter(info -> info.isAnnotatedWith(NullMarked.class))
                        .isPresent();
                if (!marked) {
                    events.add(SimpleConditionEvent.violated(type, type.getName() + " does not"));
                }
            }
        };
    }

    static SortedSet<String> rules() {
        return new TreeSet<>(RULES.keySet());
    }

    @ParameterizedTest
    @MethodSource("rules")
    void theProductKeepsEachRule(String rule) {
        RULES.get(rule).because(rule).check(PRODUCT);
    }

    @ParameterizedTest
    @MethodSource("rules")
    void eachRuleCanBeBroken(String rule) {
        assertThat(RULES.get(rule).evaluate(WRONG).hasViolation())
                .as("what is built wrongly on purpose breaks \"%s\"", rule)
                .isTrue();
    }

    @Test
    void bothModulesAreLookedAt() {
        assertThat(PRODUCT.contain("dev.holdfast.coordinator.engine.Engine")).isTrue();
        assertThat(PRODUCT.contain("dev.holdfast.agent.HoldfastMain")).isTrue();
    }
}
