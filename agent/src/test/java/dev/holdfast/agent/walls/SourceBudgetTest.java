package dev.holdfast.agent.walls;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files have at most 400 lines, methods 60 lines and 6 parameters; what stays small can be read. A record's parts are no
 * parameters: they have names where they are read.
 */
class SourceBudgetTest {
    private static final int LINES_OF_A_FILE = 400;
    private static final int LINES_OF_A_METHOD = 60;
    private static final int PARAMETERS = 6;
    private static final String RECORD = "(record).";

    private record Size(String where, int lines, int parameters) {}

    @Test
    void noFileIsLongerThanItMayBe() throws IOException {
        List<Path> sources = productSources();
        assertThat(sources).hasSizeGreaterThan(200);
        assertThat(filesTooLong(sources)).isEmpty();
    }

    @Test
    void noMethodIsLongerThanItMayBe() throws IOException {
        List<Size> methods = methods(productSources());
        assertThat(methods).hasSizeGreaterThan(1000);
        assertThat(methods).filteredOn(SourceBudgetTest::tooLarge).isEmpty();
    }

    @Test
    void whatIsTooLargeIsFound(@TempDir Path directory) throws IOException {
        Path source = directory.resolve("Long.java");
        String body = "        run();\n".repeat(LINES_OF_A_FILE);
        Files.writeString(source, "class Long {\n    void run() {\n" + body + "    }\n}\n");

        assertThat(filesTooLong(List.of(source))).hasSize(1);
        assertThat(methods(List.of(source)))
                .filteredOn(SourceBudgetTest::tooLarge)
                .hasSize(1);
    }

    private static boolean tooLarge(Size method) {
        return method.lines() > LINES_OF_A_METHOD || method.parameters() > PARAMETERS;
    }

    private static List<Path> productSources() throws IOException {
        List<Path> sources = new ArrayList<>();
        for (Path root : List.of(Path.of("src/main/java"), Path.of("../coordinator/src/main/java"))) {
            try (Stream<Path> files = Files.walk(root)) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
            }
        }
        return sources;
    }

    private static List<Path> filesTooLong(List<Path> sources) throws IOException {
        List<Path> tooLong = new ArrayList<>();
        for (Path source : sources) {
            if (Files.readAllLines(source).size() > LINES_OF_A_FILE) {
                tooLong.add(source);
            }
        }
        return tooLong;
    }

    private static List<Size> methods(List<Path> sources) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<Size> sizes = new ArrayList<>();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, null, List.of("-proc:none"), null, files.getJavaFileObjectsFromPaths(sources));
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                new Measure(unit, positions, sizes).scan(unit, "");
            }
        }
        return sizes;
    }

    private static final class Measure extends TreeScanner<Void, String> {
        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final List<Size> sizes;

        Measure(CompilationUnitTree unit, SourcePositions positions, List<Size> sizes) {
            this.unit = unit;
            this.positions = positions;
            this.sizes = sizes;
        }

        @Override
        public Void visitClass(ClassTree type, String outside) {
            String end = type.getKind() == Tree.Kind.RECORD ? RECORD : ".";
            return super.visitClass(type, outside + type.getSimpleName() + end);
        }

        @Override
        public Void visitMethod(MethodTree method, String type) {
            boolean ofRecord = method.getName().contentEquals("<init>") && type.endsWith(RECORD);
            int lines = (int)
                    (line(positions.getEndPosition(unit, method)) - line(positions.getStartPosition(unit, method)) + 1);
            int parameters = ofRecord ? 0 : method.getParameters().size();
            sizes.add(new Size(type + method.getName(), lines, parameters));
            return super.visitMethod(method, type);
        }

        private long line(long position) {
            return unit.getLineMap().getLineNumber(position);
        }
    }
}
