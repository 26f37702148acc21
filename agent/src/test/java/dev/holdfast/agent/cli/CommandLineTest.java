package dev.holdfast.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.control.CommandHandler;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ControlServer;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Limits;
import dev.holdfast.agent.control.reply.Adoption;
import dev.holdfast.agent.control.reply.Affected;
import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.control.reply.CheckpointList;
import dev.holdfast.agent.control.reply.ClusterStatus;
import dev.holdfast.agent.control.reply.Console;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.FsckReport;
import dev.holdfast.agent.control.reply.GroupList;
import dev.holdfast.agent.control.reply.History;
import dev.holdfast.agent.control.reply.Prediction;
import dev.holdfast.agent.control.reply.ScheduleList;
import dev.holdfast.agent.control.reply.SnapshotDetails;
import dev.holdfast.agent.control.reply.SnapshotList;
import dev.holdfast.agent.control.reply.StoredFile;
import dev.holdfast.agent.control.reply.Verification;
import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.control.reply.VmList;
import dev.holdfast.agent.doctor.Check;
import dev.holdfast.agent.json.Json;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole command line against a real control socket. */
class CommandLineTest {
    private static final Name SHOP = new Name("shop");
    private static final Name WEB = new Name("web");

    /** A person has no use for these. */
    private static final EnumSet<ControlCommand> OF_THE_RESOURCE_AGENT = EnumSet.of(
            ControlCommand.REPLICA_START,
            ControlCommand.REPLICA_STOP,
            ControlCommand.REPLICA_PROMOTE,
            ControlCommand.REPLICA_DEMOTE);

    @TempDir
    private Path directory;

    private final FakeEnvironment environment = new FakeEnvironment();
    private final List<String> requests = new ArrayList<>();
    private final Map<ControlCommand, CommandHandler> answers = new EnumMap<>(ControlCommand.class);
    private ControlServer server;

    @BeforeEach
    void startAgent() throws IOException {
        CommandTable table = new CommandTable();
        for (ControlCommand command : ControlCommand.values()) {
            table.register(command, (arguments, progress) -> {
                synchronized (requests) {
                    requests.add(command.word() + " " + arguments);
                }
                return answers.getOrDefault(
                                command,
                                (a, p) -> a.toString().contains("\"dry_run\":true")
                                                && command == ControlCommand.CHECKPOINT_CREATE
                                        ? new Prediction(List.of())
                                        : answer(command))
                        .handle(arguments, progress);
            });
        }
        server = ControlServer.start(directory.resolve("agent.sock"), null, table, Limits.DEFAULT);
        environment.variables.put(
                "HOLDFAST_CONFIG",
                Files.writeString(
                                directory.resolve("holdfast.toml"), "node = \"n1\"\nrun_dir = \"" + directory + "\"\n")
                        .toString());
    }

    @AfterEach
    void stopAgent() throws IOException {
        server.close();
    }

    @Test
    void everyCommandAsksTheRightThing() {
        assertThat(asked("checkpoint create shop@nightly --description hello --method background --quiesce=try"
                        + " --max-pause 50ms --deadline 2s --no-wait"))
                .isEqualTo("checkpoint.create {\"group\":\"shop\",\"name\":\"nightly\",\"description\":\"hello\","
                        + "\"method\":\"background\",\"quiesce\":\"try\",\"max_pause\":\"50ms\",\"deadline\":\"2s\","
                        + "\"dry_run\":false,\"wait\":false}");
        assertThat(asked("checkpoint create shop --disk-only --dry-run"))
                .isEqualTo("checkpoint.create {\"group\":\"shop\",\"method\":\"disk_only\",\"quiesce\":\"no\","
                        + "\"dry_run\":true,\"wait\":true}");
        assertThat(asked("checkpoint create shop --disk-only --allow-degraded"))
                .contains("\"allow_degraded\":true,\"dry_run\":false");
        assertThat(asked("snapshot create web@x --allow-degraded")).contains("\"allow_degraded\":true");
        assertThat(asked("schedule set shop --every 6h --allow-degraded")).contains("\"allow_degraded\":true");
        assertThat(asked("checkpoint create shop --memory --method auto"))
                .contains("\"name\":\"20261121T101112.345Z\"", "\"method\":\"auto\"");
        assertThat(asked("checkpoint create shop x")).contains("\"name\":\"x\"");
        assertThat(asked("checkpoint create shop --name x")).contains("\"name\":\"x\"");
        assertThat(asked("checkpoint list")).isEqualTo("checkpoint.list {}");
        assertThat(asked("checkpoint list shop")).isEqualTo("checkpoint.list {\"group\":\"shop\"}");
        assertThat(asked("checkpoint show shop@x")).isEqualTo("checkpoint.show {\"group\":\"shop\",\"name\":\"x\"}");
        assertThat(asked("checkpoint revert shop@x --yes --paused --deadline 1m"))
                .isEqualTo("checkpoint.revert {\"group\":\"shop\",\"name\":\"x\",\"paused\":true,\"dry_run\":false,"
                        + "\"deadline\":\"1m\",\"wait\":true}");
        assertThat(asked("checkpoint delete shop@x --yes"))
                .isEqualTo("checkpoint.delete {\"group\":\"shop\",\"name\":\"x\",\"dry_run\":false}");
        assertThat(asked("checkpoint verify shop@x"))
                .isEqualTo("checkpoint.verify {\"group\":\"shop\",\"name\":\"x\"}");
        assertThat(asked("checkpoint abort shop")).isEqualTo("checkpoint.abort {\"group\":\"shop\"}");
        assertThat(asked("checkpoint prune shop --keep-last 3 --dry-run"))
                .isEqualTo("checkpoint.prune {\"group\":\"shop\",\"keep_last\":3,\"dry_run\":true}");
        assertThat(asked("snapshot create web@x --method stop")).contains("\"vm\":\"web\",\"name\":\"x\"", "\"stop\"");
        assertThat(asked("snapshot list web")).isEqualTo("snapshot.list {\"vm\":\"web\"}");
        assertThat(asked("snapshot show web@x")).isEqualTo("snapshot.show {\"vm\":\"web\",\"name\":\"x\"}");
        assertThat(asked("snapshot revert web@x -y"))
                .isEqualTo("snapshot.revert {\"vm\":\"web\",\"name\":\"x\",\"paused\":false}");
        assertThat(asked("snapshot delete web@x -y")).isEqualTo("snapshot.delete {\"vm\":\"web\",\"name\":\"x\"}");
        assertThat(asked("vm list")).isEqualTo("vm.list {}");
        assertThat(asked("vm show web")).isEqualTo("vm.show {\"vm\":\"web\"}");
        assertThat(asked("vm start web --paused")).isEqualTo("vm.start {\"vm\":\"web\",\"paused\":true}");
        assertThat(asked("vm stop web --timeout 30s"))
                .isEqualTo("vm.stop {\"vm\":\"web\",\"timeout\":\"30s\",\"force\":false}");
        assertThat(asked("vm freeze web --deadline 5s")).isEqualTo("vm.freeze {\"vm\":\"web\",\"deadline\":\"5s\"}");
        assertThat(asked("vm thaw web")).isEqualTo("vm.thaw {\"vm\":\"web\"}");
        assertThat(asked("vm console web")).isEqualTo("vm.console {\"vm\":\"web\"}");
        assertThat(asked("vm import-disk web d0 /x/d0.qcow2"))
                .isEqualTo("vm.import_disk {\"vm\":\"web\",\"disk\":\"d0\",\"file\":\"/x/d0.qcow2\"}");
        assertThat(asked("vm import-disk web d0 /dev/vg/web --in-place"))
                .isEqualTo(
                        "vm.import_disk {\"vm\":\"web\",\"disk\":\"d0\",\"file\":\"/dev/vg/web\",\"in_place\":true}");
        assertThat(asked("vm adopt mail --name post --group shop"))
                .isEqualTo("vm.adopt {\"domain\":\"mail\",\"name\":\"post\",\"group\":\"shop\"}");
        assertThat(asked("vm migrate web --to n2 --bandwidth 32M --downtime 1s --timeout 5m"))
                .isEqualTo("vm.migrate {\"vm\":\"web\",\"to\":\"n2\",\"bandwidth\":\"32M\",\"downtime\":\"1s\","
                        + "\"timeout\":\"5m\"}");
        assertThat(asked("vm migrate web --to n2 --copy-disks"))
                .isEqualTo("vm.migrate {\"vm\":\"web\",\"to\":\"n2\",\"copy_disks\":true}");
        assertThat(asked("vm migrate-from web --timeout 5s"))
                .isEqualTo("vm.migrate_from {\"vm\":\"web\",\"timeout\":\"5s\"}");
        assertThat(asked("vm replication web")).isEqualTo("replica.show {\"vm\":\"web\"}");
        assertThat(asked("vm switchover web --to n2 --timeout 30s --dry-run"))
                .isEqualTo("replica.switchover {\"vm\":\"web\",\"to\":\"n2\",\"timeout\":\"30s\",\"dry_run\":true}");
        assertThat(asked("vm switchover web")).isEqualTo("replica.switchover {\"vm\":\"web\",\"dry_run\":false}");
        assertThat(asked("vm resync web")).isEqualTo("replica.resync {\"vm\":\"web\"}");
        assertThat(asked("vm resync web --discard-node n3 --yes"))
                .isEqualTo("replica.resync {\"vm\":\"web\",\"discard_node\":\"n3\"}");
        assertThat(asked("group list")).isEqualTo("group.list {}");
        assertThat(asked("schedule list")).isEqualTo("schedule.list {}");
        assertThat(asked("schedule set shop --every 6h --keep-last 7 --disk-only"))
                .startsWith("schedule.set {")
                .contains("\"every\":\"6h\"", "\"keep_last\":7", "\"method\":\"disk_only\"")
                .doesNotContain("dry_run");
        assertThat(asked("fsck --repair")).isEqualTo("node.fsck {\"repair\":true,\"empty_lost\":false}");
        assertThat(asked("fsck --gone n3,n4"))
                .isEqualTo("node.fsck {\"repair\":false,\"empty_lost\":false,\"gone\":\"n3,n4\"}");
        assertThat(asked("doctor")).isEqualTo("node.doctor {}");
        assertThat(asked("group show shop")).isEqualTo("group.show {\"group\":\"shop\"}");
        assertThat(asked("group add shop web")).isEqualTo("group.add {\"group\":\"shop\",\"vm\":\"web\"}");
        assertThat(asked("group remove shop web")).isEqualTo("group.remove {\"group\":\"shop\",\"vm\":\"web\"}");
        assertThat(asked("schedule remove shop")).isEqualTo("schedule.remove {\"group\":\"shop\"}");
        assertThat(asked("cluster status")).isEqualTo("cluster.status {}");
        assertThat(asked("cluster pause --reason maintenance")).isEqualTo("cluster.pause {\"reason\":\"maintenance\"}");
        assertThat(asked("cluster resume")).isEqualTo("cluster.resume {}");
        assertThat(asked("cluster history --limit 5")).isEqualTo("cluster.history {\"limit\":5}");
        assertThat(asked("cluster adopt-store --yes")).isEqualTo("cluster.adopt_store {}");
        assertThat(asked("cluster forget n3")).isEqualTo("cluster.forget {\"node\":\"n3\",\"force\":false}");

        Set<String> used =
                requests.stream().map(request -> request.split(" ")[0]).collect(Collectors.toSet());
        assertThat(used)
                .containsExactlyInAnyOrderElementsOf(EnumSet.complementOf(OF_THE_RESOURCE_AGENT).stream()
                        .map(ControlCommand::word)
                        .toList());
    }

    @Test
    void showDrawsTheTimelineAndWritesThePicture() throws Exception {
        Path svg = directory.resolve("t.svg");

        assertThat(environment.run("checkpoint", "show", "shop@nightly", "--svg", svg.toString()))
                .isZero();
        assertThat(environment.out.toString().lines())
                .contains("Checkpoint:   shop@nightly", "Parent:       yesterday")
                .anyMatch(line -> line.matches("db +n2 +background, encrypted +14.2 ms.*"))
                .anyMatch(line -> line.matches("db on n2 +\\|-+=*#+C#+=*-+\\| 14.2 ms"))
                .anyMatch(line -> line.contains("skew 0.412 ms"));
        assertThat(svg).content().startsWith("<?xml").contains("shop@nightly");
        assertThat(environment.err).asString().contains("The timeline is in " + svg);
    }

    @Test
    void aPictureThatCannotBeWrittenIsSaidToBeSo() {
        assertThat(environment.run("checkpoint", "show", "shop@nightly", "--svg", "/no/such/directory/t.svg"))
                .isEqualTo(1);
        assertThat(environment.err).asString().contains("cannot be written to /no/such/directory/t.svg");
    }

    @Test
    void tablesHaveAHeadAndFit() {
        environment.run("checkpoint", "list");
        assertThat(environment.out.toString().lines())
                .satisfiesExactly(
                        head -> assertThat(head)
                                .startsWith("GROUP  NAME     CREATED               STATE     VMS  PAUSE"),
                        row -> assertThat(row)
                                .startsWith("shop   nightly  2023-11-14T22:13:20Z  complete  2    14.2 ms  0.412 ms"));
        answers.put(ControlCommand.CHECKPOINT_LIST, (a, p) -> new CheckpointList(List.of()));
        environment.run("checkpoint", "list");
        assertThat(environment.out).asString().isEqualTo("There are no checkpoints.\n");
    }

    @Test
    void statusSaysWhyTheStoreIsUnreachableAndWhatSomebodyShouldLookAt() {
        answers.put(
                ControlCommand.CLUSTER_STATUS,
                (a, p) -> new ClusterStatus(
                        "lab",
                        "unreachable",
                        "no quorum, start more",
                        "",
                        "",
                        -1,
                        "",
                        List.of(),
                        List.of(),
                        List.of()));
        environment.run("cluster", "status");
        assertThat(environment.out.toString().lines())
                .contains("Store:    unreachable", "Because:  no quorum, start more");

        ClusterStatus.Round round =
                new ClusterStatus.Round("r1", "checkpoint", "shop", "x", "preparing", List.of("n2", "n3"));
        answers.put(
                ControlCommand.CLUSTER_STATUS,
                (a, p) -> new ClusterStatus(
                        "lab",
                        "connected",
                        "",
                        "id-1",
                        "n1",
                        5,
                        "",
                        List.of(),
                        List.of(round),
                        List.of("the round at /x cannot be read")));
        environment.run("cluster", "status");
        assertThat(environment.out.toString().lines())
                .contains("Problem:  the round at /x cannot be read")
                .anyMatch(line -> line.matches("r1 +checkpoint +shop +x +preparing +n2, n3"));
    }

    @Test
    void aCheckpointWhoseRecordWasNotReadBackIsAWarningAndNoFailure() {
        answers.put(ControlCommand.CHECKPOINT_CREATE, (a, p) -> new Done("shop@x is committed, but"));

        assertThat(environment.run("checkpoint", "create", "shop@x")).isZero();

        assertThat(environment.err).asString().contains("warning: shop@x is committed, but");
    }

    @Test
    void jsonAndYamlCarryTheWholeAnswer() throws Exception {
        assertThat(environment.run("vm", "list", "-o", "json")).isZero();
        assertThat(Json.object(environment.out.toString()).as(VmList.class).vms())
                .hasSize(1);
        assertThat(environment.run("vm", "list", "-o", "yaml")).isZero();
        assertThat(environment.out).asString().contains("vms:\n- name: web\n");
    }

    @Test
    void theExitCodeTellsWhichKindOfFailure() {
        for (ErrorCode code : ErrorCode.values()) {
            answers.put(ControlCommand.CHECKPOINT_ABORT, (a, p) -> {
                throw new ControlException(code, "it did not work", "of something", "do this");
            });
            assertThat(environment.run("checkpoint", "abort", "shop"))
                    .as(code.word())
                    .isEqualTo(code.exit().number());
            assertThat(environment.err)
                    .hasToString("holdfast: it did not work\n  because: of something\n  to do: do this\n");
        }
    }

    @Test
    void damagedFilesFailAVerification() {
        answers.put(
                ControlCommand.CHECKPOINT_VERIFY,
                (a, p) -> new Verification(List.of(new Verification.Row(
                        WEB, new Name("n1"), "memory", "/x", Verification.State.DAMAGED, "hash differs"))));

        assertThat(environment.run("checkpoint", "verify", "shop@x")).isEqualTo(1);
        assertThat(environment.out).asString().contains("DAMAGED", "hash differs", "Not everything is intact.");
    }

    @Test
    void anImageWhoseKeyIsMissingIsNotCalledDamaged() {
        answers.put(
                ControlCommand.CHECKPOINT_VERIFY,
                (a, p) -> new Verification(List.of(new Verification.Row(
                        WEB, new Name("n1"), "memory", "/x", Verification.State.UNREADABLE, "its key is not here"))));

        assertThat(environment.run("checkpoint", "verify", "shop@x")).isEqualTo(1);
        assertThat(environment.out).asString().contains("key missing", "its key is not here", "put the key there");
        assertThat(environment.out).asString().doesNotContain("DAMAGED", "intact.");
        assertThat(environment.run("checkpoint", "verify", "shop@x", "-o", "json"))
                .isEqualTo(1);
        assertThat(environment.out).asString().contains("UNREADABLE");
    }

    @Test
    void whatCouldNotBeLookedAtIsNotCalledDamaged() {
        answers.put(
                ControlCommand.CHECKPOINT_VERIFY,
                (a, p) -> new Verification(List.of(new Verification.Row(
                        WEB, new Name("n1"), "part", "", Verification.State.UNKNOWN, "n1 does not answer"))));

        assertThat(environment.run("checkpoint", "verify", "shop@x")).isEqualTo(1);
        assertThat(environment.out).asString().contains("unknown", "n1 does not answer", "could be looked at");
        assertThat(environment.out).asString().doesNotContain("DAMAGED");
    }

    @Test
    void withoutATerminalNobodyIsAsked() {
        assertThat(environment.run("checkpoint", "revert", "shop@x")).isEqualTo(2);
        assertThat(environment.err).asString().contains("there is nobody to ask", "add --yes");
        assertThat(requests).isEmpty();
    }

    @Test
    void onATerminalTheUserDecides() {
        environment.interactive = true;
        environment.input.add("n");
        assertThat(environment.run("checkpoint", "delete", "shop@x")).isEqualTo(1);
        assertThat(requests).isEmpty();
        assertThat(environment.run("checkpoint", "delete", "shop@x"))
                .as("end of input")
                .isEqualTo(1);
        environment.input.add("yes");
        assertThat(environment.run("checkpoint", "delete", "shop@x")).isZero();
        assertThat(environment.err).asString().contains("Delete the checkpoint shop@x for ever? [y/N]");
        assertThat(requests).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "checkpoint",
                "chekpoint list",
                "checkpoint create",
                "checkpoint create ../x",
                "checkpoint create shop@..",
                "checkpoint create shop@a/b",
                "checkpoint create shop@x --name y",
                "checkpoint create shop --memory --disk-only",
                "checkpoint create shop --method fast",
                "checkpoint create shop --method live --disk-only",
                "checkpoint create shop --deadline 5",
                "checkpoint create shop --max-pause -5s",
                "checkpoint show shop",
                "checkpoint prune shop",
                "checkpoint prune shop --keep-last 0 --yes",
                "vm show",
                "vm list -o xml",
                "vm list --nonsense"
            })
    void wrongUsageIsExitCodeTwo(String line) {
        int exit = environment.run(line.isEmpty() ? new String[0] : line.split(" "));

        assertThat(exit).as(environment.err.toString()).isEqualTo(2);
        assertThat(environment.err).asString().startsWith("holdfast: ").contains("--help\n");
        assertThat(requests).isEmpty();
    }

    @Test
    void namesOfThreeHundredLettersAndControlCharactersAreRefused() {
        assertThat(environment.run("checkpoint", "create", "shop@" + "x".repeat(300)))
                .isEqualTo(2);
        assertThat(environment.err).asString().contains("has 300 characters; at most 64 are allowed");
        assertThat(environment.run("checkpoint", "create", "shop@a\u0007b")).isEqualTo(2);
        assertThat(environment.err).asString().doesNotContain("\u0007");
    }

    @Test
    void anAgentThatIsNotThereIsSaidToBeAway() throws Exception {
        server.close();

        assertThat(environment.run("vm", "list")).isEqualTo(1);
        assertThat(environment.err).asString().contains("cannot be asked", "systemctl start holdfast");
    }

    @Test
    void aWrongConfigurationIsToldLineByLine() throws Exception {
        Files.writeString(directory.resolve("holdfast.toml"), "nod = 1\nport = 2\n");

        assertThat(environment.run("vm", "list")).isEqualTo(2);
        assertThat(environment.err.toString().lines().filter(line -> line.contains("holdfast.toml:")))
                .hasSize(2);
        assertThat(environment.run(
                        "vm",
                        "list",
                        "--socket",
                        directory.resolve("agent.sock").toString()))
                .isZero();
    }

    @Test
    void progressIsLinesWithoutATerminalAndABarOnOne() {
        answers.put(ControlCommand.CHECKPOINT_CREATE, (a, progress) -> {
            progress.phase("freeze", "2 machines stand still");
            for (int i = 0; i <= 100; i++) {
                progress.bytes("memory", i << 20, 100 << 20);
            }
            progress.phase("decision", "committed");
            return answer(ControlCommand.CHECKPOINT_CREATE);
        });

        assertThat(environment.run("checkpoint", "create", "shop@x")).isZero();
        assertThat(environment.err.toString().lines())
                .hasSize(13)
                .startsWith("freeze     2 machines stand still", "memory     0 % of 100 MiB")
                .endsWith("memory     100 % of 100 MiB", "decision   committed");

        environment.interactive = true;
        assertThat(environment.run("checkpoint", "create", "shop@x")).isZero();
        assertThat(environment.err)
                .asString()
                .contains("\rmemory     [###############...............]  50 %  50.0 MiB of 100 MiB  ")
                .containsPattern("100 MiB of 100 MiB +\ndecision   committed\n$");
        assertThat(environment.out)
                .asString()
                .endsWith("Checkpoint shop@nightly: skew 0.412 ms, longest pause 14.2 ms, 64.0 MiB.\n");
    }

    @Test
    void whatComesFromTheAgentCannotMoveTheCursor() {
        answers.put(ControlCommand.VM_SHOW, (a, p) -> answer(ControlCommand.VM_SHOW, "run\u001b[2Jning"));

        environment.run("vm", "show", "web");

        assertThat(environment.out).asString().doesNotContain("\u001b");
    }

    @Test
    void aMachineIsShownWithWhatBecomesOfItsDisksAfterASnapshot() {
        assertThat(environment.run("vm", "show", "web")).isZero();
        assertThat(environment.out).asString().contains("KEPT AS", "clone (file on xfs)");
    }

    @Test
    void aConsoleThatIsOnlyWrittenIsShownAndSaysSo() {
        answers.put(ControlCommand.VM_CONSOLE, (a, p) -> new Console("", Optional.of("/run/x/console")));
        assertThat(environment.run("vm", "console", "web")).isZero();
        assertThat(environment.programs).containsExactly(List.of("tail", "-n", "40", "-F", "/run/x/console"));
        assertThat(environment.err).asString().contains("nobody can talk to it");
    }

    @Test
    void whoMayNotOpenAConsoleIsToldOnce() {
        environment.root = false;
        for (Console console : List.of(
                new Console("", Optional.of("/run/x/console")), new Console("/run/x/serial.sock", Optional.empty()))) {
            answers.put(ControlCommand.VM_CONSOLE, (a, p) -> console);
            assertThat(environment.run("vm", "console", "web")).isEqualTo(1);
            assertThat(environment.programs).isEmpty();
            assertThat(environment.err)
                    .asString()
                    .containsPattern("/run/x/(console|serial.sock) is for root alone; run this as root")
                    .hasLineCount(1);
        }
    }

    @Test
    void theDefinitionOfADomainIsShownAndWrittenOnlyWhenThatIsWanted() throws Exception {
        Path file = Files.createTempDirectory("hf-adopt-").resolve("web.toml");
        answers.put(ControlCommand.VM_ADOPT, (a, p) -> {
            assertThat(a.text("domain")).contains("Web server");
            assertThat(a.optionalName("group")).contains(SHOP);
            return new Adoption(file.toString(), "name = \"web\"\n", List.of("its memory cannot be kept"));
        });

        assertThat(environment.run("vm", "adopt", "Web server", "--group", "shop"))
                .isZero();
        assertThat(environment.out).asString().isEqualTo("name = \"web\"\n");
        assertThat(environment.err).asString().contains("its memory cannot be kept", "--yes", file.toString());
        assertThat(file).doesNotExist();

        assertThat(environment.run("vm", "adopt", "Web server", "--group", "shop", "--yes"))
                .isZero();
        assertThat(file).hasContent("name = \"web\"");
        assertThat(environment.run("vm", "adopt", "Web server", "--group", "shop", "--yes"))
                .isNotZero();
        assertThat(environment.err).asString().contains("is there already");
    }

    @Test
    void aConsoleIsHandedToSocat() {
        assertThat(environment.run("vm", "console", "web")).isZero();
        assertThat(environment.programs)
                .containsExactly(List.of("socat", "-,raw,echo=0,escape=0x1d", "UNIX-CONNECT:/run/x/serial.sock"));
    }

    @Test
    void theLongRunningCommandsAreHandedOver() {
        assertThat(environment.run("agent", "--config", "/x.toml")).isEqualTo(7);
        assertThat(environment.run(
                        "zookeeper", "--data", "/z", "--port", "2182", "--id", "2", "--servers", "a:1:2,b:1:2"))
                .isEqualTo(8);
        assertThat(environment.daemonCalls)
                .containsExactly(
                        Path.of("/x.toml"),
                        new Daemons.ZooKeeperOptions(
                                directory.resolve("holdfast.toml"),
                                Path.of("/z"),
                                "127.0.0.1",
                                2182,
                                2,
                                List.of("a:1:2", "b:1:2")));
    }

    @Test
    void versionHelpAndCompletionNeedNoAgent() throws Exception {
        server.close();

        assertThat(environment.run("--version")).isZero();
        assertThat(environment.out).hasToString("holdfast development\n");
        assertThat(environment.run("--socket", "/x", "-V")).isZero();
        assertThat(environment.out).hasToString("holdfast development\n");
        assertThat(environment.run("checkpoint", "create", "--help")).isZero();
        assertThat(environment.out).asString().contains("--quiesce", "--max-pause", "--no-wait");
        assertThat(environment.run("completion")).isZero();
        assertThat(environment.out).asString().contains("complete -F _complete_holdfast");
    }

    @Test
    void doctorShowsWhatIsNotWellAndFailsOnlyIfSomethingHasFailed() {
        assertThat(environment.run("doctor")).isZero();
        assertThat(environment.out)
                .asString()
                .contains("it is off", "to do: run chrony")
                .doesNotContain("it answers");
        assertThat(environment.run("doctor", "--all")).isZero();
        assertThat(environment.out).asString().contains("it answers");
        answers.put(
                ControlCommand.NODE_DOCTOR,
                (arguments, progress) ->
                        new DoctorReport(List.of(new Check("n1", "guard", Check.Verdict.FAILED, "gone", "start it"))));
        assertThat(environment.run("doctor", "-o", "json")).isEqualTo(1);
        assertThat(environment.out).asString().contains("\"verdict\"", "\"FAILED\"");
    }

    @Test
    void doctorLooksAtTheHostWhenTheAgentIsDead() throws Exception {
        server.close();
        environment.width = 300;
        assertThat(environment.run("doctor", "--all")).isEqualTo(1);
        assertThat(environment.out).asString().contains("only this host was looked at", "kernel", "zookeeper.secret");
    }

    @Test
    void fsckSaysWhatItDidAndWhatItWouldDo() {
        assertThat(environment.run("fsck", "--repair")).isZero();
        assertThat(environment.out).asString().contains("repaired: move it to lost/", "to do: remove it");
        answers.put(
                ControlCommand.NODE_FSCK,
                (arguments, progress) -> new FsckReport(
                        List.of(new FsckReport.Row("n1", "web", "leftover", "half a file", "move it to lost/", ""))));
        assertThat(environment.run("fsck")).isEqualTo(6);
        assertThat(environment.out).asString().contains("--repair: move it to lost/");
    }

    private String asked(String line) {
        int exit = environment.run(line.split(" "));
        assertThat(exit).as("%s: %s", line, environment.err).isZero();
        return requests.get(requests.size() - 1);
    }

    private static Object answer(ControlCommand command) {
        return answer(command, "running");
    }

    private static Object answer(ControlCommand command, String state) {
        Name node = new Name("n1");
        VmDetails vm = new VmDetails(
                WEB,
                node,
                Optional.of("shop"),
                state,
                Optional.of(4711L),
                "pc-q35-7.2",
                1,
                64 << 20,
                "QEMU 7.2.22",
                "",
                List.of(new VmDetails.Disk(
                        "d0",
                        "/srv/web.holdfast/head/d0.qcow2",
                        "d0-000001.qcow2",
                        1,
                        5 << 20,
                        "clone (file on xfs)")));
        return switch (command) {
            case CHECKPOINT_CREATE, CHECKPOINT_SHOW -> checkpoint();
            case CHECKPOINT_LIST ->
                new CheckpointList(List.of(new CheckpointList.Row(
                        SHOP,
                        new Name("nightly"),
                        checkpoint().created(),
                        "complete",
                        Optional.empty(),
                        "d",
                        2,
                        14_188_000,
                        412_000,
                        64 << 20)));
            case CHECKPOINT_VERIFY -> new Verification(List.of());
            case CHECKPOINT_DELETE, CHECKPOINT_PRUNE -> new Affected("2 gone.", List.of("a", "b"), List.of("c"), 5);
            case SNAPSHOT_CREATE, SNAPSHOT_SHOW -> snapshot();
            case SNAPSHOT_LIST -> new SnapshotList(List.of(snapshot()));
            case VM_LIST -> new VmList(List.of(vm), List.of());
            case VM_SHOW, VM_START, VM_STOP, VM_FREEZE, VM_THAW -> vm;
            case VM_ADOPT ->
                new Adoption("/etc/holdfast/vms/web.toml", "name = \"web\"\n", List.of("its memory cannot be kept"));
            case VM_CONSOLE -> new Console("/run/x/serial.sock", Optional.empty());
            case GROUP_LIST, GROUP_SHOW, GROUP_ADD, GROUP_REMOVE ->
                new GroupList(List.of(new GroupList.Group(SHOP, List.of(new GroupList.Member(WEB, "n1", "running")))));
            case SCHEDULE_LIST, SCHEDULE_SET ->
                new ScheduleList(List.of(new ScheduleList.Row(
                        SHOP,
                        "0 3 * * * UTC",
                        7,
                        Optional.of("2026-11-22T03:00:00Z"),
                        "2026-11-21T03:00:00Z",
                        "skipped",
                        "the cluster is paused: upgrade",
                        2)));
            case CLUSTER_STATUS ->
                new ClusterStatus(
                        "lab",
                        "connected",
                        "",
                        "id-1",
                        "n1",
                        5,
                        "",
                        List.of(new ClusterStatus.Node("n1", true, "10.0.0.1:7800", "0.1.0", 1, false)),
                        List.of(),
                        List.of());
            case CLUSTER_HISTORY ->
                new History(List.of(new History.Entry(
                        "2026-11-21T10:11:12.3Z", "checkpoint", "shop", "x", "r-1", "committed", "")));
            case NODE_FSCK ->
                new FsckReport(List.of(
                        new FsckReport.Row("n1", "web", "repaired", "half a file", "move it to lost/", ""),
                        new FsckReport.Row("n1", "web", "lost", "/srv/web.holdfast/lost/x", "", "remove it")));
            case NODE_DOCTOR ->
                new DoctorReport(List.of(
                        new Check("n1", "guard", Check.Verdict.OK, "it answers", ""),
                        new Check("n2", "clock", Check.Verdict.WARNING, "it is off", "run chrony")));
            case REPLICA_SHOW, REPLICA_START, REPLICA_STOP, REPLICA_PROMOTE, REPLICA_DEMOTE, REPLICA_SWITCHOVER ->
                ReplicationCommandsTest.replica();
            case REPLICA_RESYNC,
                    CHECKPOINT_REVERT,
                    CHECKPOINT_ABORT,
                    SNAPSHOT_REVERT,
                    SNAPSHOT_DELETE,
                    VM_IMPORT_DISK,
                    SCHEDULE_REMOVE,
                    VM_MIGRATE,
                    VM_MIGRATE_FROM,
                    CLUSTER_PAUSE,
                    CLUSTER_RESUME,
                    CLUSTER_ADOPT_STORE,
                    CLUSTER_FORGET -> new Done("Done.");
        };
    }

    private static CheckpointDetails checkpoint() {
        return checkpoint("background");
    }

    /** @param method of the second machine */
    private static CheckpointDetails checkpoint(String method) {
        long base = 1_700_000_000_123_456_789L;
        return new CheckpointDetails(
                SHOP,
                new Name("nightly"),
                "r-1",
                5,
                "complete",
                "2023-11-14T22:13:20.123456789Z",
                Optional.of("yesterday"),
                "before the upgrade",
                412_000,
                80_000,
                14_188_000,
                64 << 20,
                List.of(
                        member(WEB, "n1", "background", base, 14_100_000),
                        member(new Name("db"), "n2", method, base + 412_000, 14_188_000)));
    }

    private static CheckpointDetails.Member member(Name vm, String node, String method, long frozen, long pause) {
        return new CheckpointDetails.Member(
                vm,
                new Name(node),
                method,
                "no",
                "QEMU 7.2.22",
                "0.1.0",
                frozen,
                frozen + pause / 2,
                frozen + pause,
                pause,
                80_000,
                List.of(new StoredFile("memory", "/srv/x.memory", 32 << 20, "ab", true)));
    }

    private static SnapshotDetails snapshot() {
        return new SnapshotDetails(
                WEB,
                new Name("x"),
                "2026-11-21T10:11:12.3Z",
                "complete",
                Optional.empty(),
                true,
                "d",
                "background",
                "no",
                9_000_000,
                5,
                List.of(new StoredFile("memory", "/srv/x.memory", 5, "", false)));
    }

    @Test
    void membersWithoutMemoryAreNamedUnlessNoneWasAskedFor() {
        answers.put(ControlCommand.CHECKPOINT_CREATE, (a, p) -> checkpoint("disk_only"));
        answers.put(ControlCommand.CHECKPOINT_SHOW, (a, p) -> checkpoint("disk_only"));
        assertThat(environment.run("checkpoint", "create", "shop", "--disk-only"))
                .isZero();
        assertThat(environment.err).asString().doesNotContain("warning");
        assertThat(environment.run("checkpoint", "show", "shop@nightly")).isZero();
        assertThat(environment.out.toString().lines()).contains("Without memory:  db");
        assertThat(environment.run("checkpoint", "create", "shop")).isZero();
        assertThat(environment.err)
                .asString()
                .contains("warning: without memory, which their hypervisor cannot write: db; a revert boots them");

        answers.put(
                ControlCommand.CHECKPOINT_CREATE,
                (a, p) -> new Prediction(List.of(
                        new Prediction.Row(WEB, new Name("n1"), "auto", -1, 64 << 20, 5L << 30),
                        new Prediction.Row(new Name("uml"), new Name("n1"), "disk_only", -1, 16 << 20, 5L << 30))));
        assertThat(environment.run("checkpoint", "create", "shop", "--dry-run")).isZero();
        assertThat(environment.err).asString().contains("cannot write: uml; a revert boots them");
    }

    @Test
    void aPredictionIsShown() {
        answers.put(
                ControlCommand.CHECKPOINT_REVERT,
                (a, p) -> new Prediction(
                        List.of(new Prediction.Row(WEB, new Name("n1"), "background", 0, 64 << 20, 5L << 30))));
        assertThat(environment.run("checkpoint", "revert", "shop@x", "--dry-run"))
                .isZero();
        assertThat(environment.out.toString().lines().map(line -> line.strip().split(" {2,}")))
                .containsExactly(
                        new String[] {"VM", "NODE", "COMES BACK WITH", "RAM NEEDED", "RAM FREE"},
                        new String[] {"web", "n1", "memory and disks", "64.0 MiB", "5.0 GiB"},
                        new String[] {"Nothing was done: this was a dry run, and nothing speaks against it."});
        answers.put(
                ControlCommand.CHECKPOINT_CREATE,
                (a, p) -> new Prediction(List.of(
                        new Prediction.Row(WEB, new Name("n1"), "background", 12_000_000, 64 << 20, 5L << 30))));

        assertThat(environment.run("checkpoint", "create", "shop", "--dry-run")).isZero();
        assertThat(environment.out).asString().contains("12.0 ms", "64.0 MiB", "5.0 GiB", "nothing speaks against it");
    }
}
