package dev.holdfast.coordinator.walls;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who may import whom in this module. Rules that hold for the whole product are in the agent's test of the same name. Each
 * rule is applied twice: to the product, which must keep it, and to {@code dev.holdfast.wrong}, which must break it.
 */
class WallsTest {

    private static final String[] EVERYWHERE = {
        "java.lang..", "java.util..", "java.time..", "java.io", "java.nio..", "java.math", "org.jspecify.annotations"
    };

    private static final JavaClasses PRODUCT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.holdfast.coordinator");

    private static final JavaClasses WRONG = new ClassFileImporter().importPackages("dev.holdfast.wrong");

    private static final Map<String, ArchRule> RULES = new TreeMap<>(Map.of(
            "the protocol knows only values and collections",
            classes()
                    .that()
                    .resideInAnyPackage("..coordinator.protocol..", "..coordinator.replication..")
                    .should()
                    .onlyDependOnClassesThat(resideInAnyPackage(
                            "..coordinator.protocol..",
                            "..coordinator.replication..",
                            "java.lang",
                            "java.lang.annotation",
                            "java.lang.invoke",
                            "java.lang.runtime",
                            "java.util",
                            "java.util.function",
                            "java.util.regex",
                            "java.util.stream",
                            "java.time",
                            "org.jspecify.annotations")),
            "the protocol has neither clock nor chance",
            noClasses()
                    .that()
                    .resideInAnyPackage("..coordinator.protocol..", "..coordinator.replication..")
                    .should()
                    .dependOnClassesThat()
                    .haveNameMatching(
                            "java\\.time\\.(Clock|InstantSource)|java\\.util\\.(Random|UUID|Timer|TimerTask)"),
            "what crosses the protocol's border is a record, an enum or sealed",
            classes()
                    .that()
                    .resideInAPackage("..coordinator.protocol.message..")
                    .or()
                    .haveNameMatching(
                            ".*\\.coordinator\\.protocol\\.(leader|participant)\\.\\w+(Event|Effect|State)(\\$\\w+)?")
                    .should(beData()),
            "ports know the pure rules alone",
            mayKnow(
                    "..coordinator.port..",
                    "..coordinator.port..",
                    "..coordinator.protocol..",
                    "..coordinator.replication.."),
            "the engine knows protocol and ports alone",
            mayKnow(
                    "..coordinator.engine..",
                    "..coordinator.engine..",
                    "..coordinator.port..",
                    "..coordinator.protocol..",
                    "org.slf4j"),
            "the codec knows the pure rules, ports and Jackson",
            mayKnow(
                    "..coordinator.codec..",
                    "..coordinator.codec..",
                    "..coordinator.port..",
                    "..coordinator.protocol..",
                    "..coordinator.replication..",
                    "com.fasterxml.jackson.."),
            "the store knows no engine and no channel",
            mayKnow(
                    "..coordinator.zookeeper..",
                    "..coordinator.zookeeper..",
                    "..coordinator.codec..",
                    "..coordinator.port..",
                    "..coordinator.protocol..",
                    "..coordinator.replication..",
                    "java.net",
                    "java.security..",
                    "javax.net.ssl",
                    "org.apache.curator..",
                    "org.apache.zookeeper..",
                    "org.apache.jute..",
                    "org.slf4j"),
            "the channel knows no engine and no store",
            mayKnow(
                    "..coordinator.group..",
                    "..coordinator.group..",
                    "..coordinator.codec..",
                    "..coordinator.port..",
                    "..coordinator.protocol..",
                    "..coordinator.seal",
                    "org.jgroups..",
                    "java.net",
                    "java.security..",
                    "javax.crypto..",
                    "org.slf4j"),
            "the coordinator knows no agent",
            noClasses()
                    .that()
                    .resideInAPackage("..coordinator..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("dev.holdfast.agent..")
                    .orShould()
                    .dependOnClassesThat()
                    .resideInAPackage("dev.holdfast.wrong.agent..")));

    private static ArchRule mayKnow(String who, String... whom) {
        String[] all = Stream.concat(Stream.of(EVERYWHERE), Stream.of(whom)).toArray(String[]::new);
        return classes().that().resideInAPackage(who).should().onlyDependOnClassesThat(resideInAnyPackage(all));
    }

    /** Visitors are how a sealed type is taken apart at release 17. */
    private static ArchCondition<JavaClass> beData() {
        return new ArchCondition<>("be a record, an enum, a sealed interface or its visitor") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                Class<?> loaded = type.reflect();
                boolean visitor = loaded.isInterface() && type.getSimpleName().equals("Visitor");
                boolean data = type.isRecord() || type.isEnum() || loaded.isSealed() || visitor;
                if (!data && !type.isAnonymousClass() && !loaded.isSynthetic()) {
                    events.add(SimpleConditionEvent.violated(type, type.getName() + " is none of these"));
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
    void theProductIsNotEmpty() {
        assertThat(PRODUCT.size()).isGreaterThan(100);
    }
}
