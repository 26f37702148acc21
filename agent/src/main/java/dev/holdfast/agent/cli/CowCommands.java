package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.cow.CowChain;
import dev.holdfast.agent.cow.CowMerge;
import dev.holdfast.agent.cow.CowMerge.Kind;
import dev.holdfast.agent.cow.CowReport;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Copy-on-write files of User-Mode Linux. They are looked at here, without the agent and without the store. */
final class CowCommands {
    private CowCommands() {}

    /** What both commands have. */
    private abstract static class CowCommand extends AnsweringCommand {
        @Option(
                names = {"-b", "--base"},
                paramLabel = "FILE",
                description = "the file below the last COW file, instead of the one that its header names")
        private @Nullable Path base;

        final CowChain chain(List<Path> files) throws IOException {
            return CowChain.open(files, Optional.ofNullable(base));
        }
    }

    @Command(
            name = "show-cow",
            description =
                    "Show a chain of copy-on-write files of User-Mode Linux: what is in each layer, and whether each "
                            + "file is the one that the file above it belongs to; exit code 1 if not. Needs no agent.")
    static final class Show extends CowCommand {
        @Parameters(
                arity = "1..*",
                paramLabel = "FILE",
                description =
                        "a COW file; several are one chain, the newest first. Below the last the headers are followed")
        private List<Path> files = List.of();

        @Override
        public Integer call() throws IOException {
            try (CowChain chain = chain(files)) {
                return tell(JsonObject.of(CowReport.of(chain)));
            }
        }

        @Override
        void show(JsonObject answer) throws IOException {
            CowReport report = answer.as(CowReport.class);
            environment()
                    .out()
                    .println("Device: %s (%d bytes)".formatted(View.size(report.deviceBytes()), report.deviceBytes()));
            View view = view().row("FORMAT", "WRITTEN", "VISIBLE", "MIXED 4K", "FILE");
            for (CowReport.Entry layer : report.layers()) {
                boolean raw = layer.version() == 0;
                view.row(
                        raw ? "raw" : "cow v" + layer.version(),
                        View.size(layer.writtenBytes()),
                        View.size(layer.visibleBytes()),
                        raw ? "-" : Long.toString(layer.mixedGroups()),
                        layer.file());
            }
            view.print();
            if (!report.problem().isEmpty()) {
                environment().err().println("holdfast: the chain is not whole: " + report.problem());
            }
        }

        @Override
        ExitCode exit(JsonObject answer) throws JsonException {
            return answer.as(CowReport.class).problem().isEmpty() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    @Command(
            name = "merge-cow",
            description =
                    "Merge a chain of copy-on-write files of User-Mode Linux into one file: an image of the device "
                            + "as it is, as uml_moo makes it, or with --cow one COW file on the raw image of the chain. The "
                            + "files are not altered; nobody may write to them meanwhile. OUT is there in full or not at all. "
                            + "Needs no agent.")
    static final class Merge extends CowCommand {
        @Parameters(
                arity = "2..*",
                paramLabel = "IN... OUT",
                hideParamSyntax = true,
                description =
                        "COW files of one chain, the newest first; below the last the headers are followed. Then the "
                                + "file that is made")
        private List<Path> files = List.of();

        @Option(names = "--cow", description = "make a COW file (version 3) instead of a flat image")
        private boolean cow;

        @Option(
                names = "--exact-sectors",
                description =
                        "with --cow: only sectors that are in a layer, as User-Mode Linux itself writes them. Without it, "
                                + "groups of 4 KiB are filled from the raw image, because the driver of Linux 6.1 can return wrong "
                                + "data where they are mixed")
        private boolean exactSectors;

        @Option(
                names = {"-f", "--force"},
                description = "replace OUT if it is there, also if it is one of the chain")
        private boolean force;

        @Override
        public Integer call() throws IOException {
            if (exactSectors && !cow) {
                throw usage("--exact-sectors is for --cow");
            }
            Kind kind = Kind.FLAT;
            if (cow) {
                kind = exactSectors ? Kind.COW_OF_SECTORS : Kind.COW;
            }
            Path out = files.get(files.size() - 1);
            try (CowChain chain = chain(files.subList(0, files.size() - 1))) {
                CowMerge.Outcome done = CowMerge.merge(chain, out, kind, force);
                return tell(JsonObject.of(new Made(out.toString(), done.writtenBytes(), done.filledBytes())));
            }
        }

        @Override
        void show(JsonObject answer) throws IOException {
            Made made = answer.as(Made.class);
            String filled = made.filledBytes() == 0
                    ? ""
                    : ", of which " + View.size(made.filledBytes()) + " fill groups of 4 KiB";
            environment()
                    .out()
                    .println("%s is made: %s of the device%s."
                            .formatted(made.file(), View.size(made.writtenBytes()), filled));
        }
    }

    /** The answer of a merge. */
    private record Made(String file, long writtenBytes, long filledBytes) {}
}
