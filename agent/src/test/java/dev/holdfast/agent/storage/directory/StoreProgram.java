package dev.holdfast.agent.storage.directory;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.Optional;

/** The store as a program, for file systems that only another kernel has: {@code copy|copies|remove DIRECTORY-OF-LAYERS}. */
final class StoreProgram {
    static final Name WEB = new Name("web");
    static final CopyName COPY = new CopyName(WEB, "d0-000004-of-000001");
    private static final Copying CLONE = new Copying(Way.CLONE, 100);

    private StoreProgram() {}

    public static void main(String[] arguments) throws Exception {
        Path layers = Path.of(arguments[1]);
        DirectoryStore store = new DirectoryStore(new HostCommands(), vm -> Optional.of(layers));
        switch (arguments[0]) {
            case "copy" -> {
                Site site = store.site(layers.resolve("d0-000001.raw")).orElseThrow();
                System.out.println(site.words() + "; best " + site.best());
                System.out.println(store.outlook(site, CLONE).obstacles());
                System.out.println(store.copy(site, CLONE, COPY, Progress.NONE));
            }
            case "copies" -> System.out.println(store.copies(WEB));
            case "remove" -> store.remove(COPY);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }
}
