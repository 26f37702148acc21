package dev.holdfast.agent.storage;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Knows what lies below a directory, copies there, and notes what it is asked to change. One thread. */
public final class NotingStore implements ImageStore {
    private final Path directory;
    private final List<String> asked;

    /** @param asked where it notes */
    public NotingStore(String directory, List<String> asked) {
        this.directory = Path.of(directory);
        this.asked = asked;
    }

    private void note(String what) {
        asked.add(directory + " " + what);
    }

    @Override
    public Optional<Site> site(Path image) {
        Site site = new Site(image, Optional.of(Way.CLONE), directory.toString(), 1, true, true);
        return image.startsWith(directory) ? Optional.of(site) : Optional.empty();
    }

    @Override
    public Outlook outlook(Site site, Copying how) {
        return new Outlook(0, new Outlook.Room(directory.toString(), 1), List.of(), List.of());
    }

    @Override
    public Path copy(Site site, Copying how, CopyName name, Progress progress) {
        note("copies " + site.image());
        return directory.resolve(name.layer());
    }

    @Override
    public Health health(Path image) {
        boolean here = image.startsWith(directory);
        return new Health(here ? Health.State.CLOSED : Health.State.ABSENT, directory.toString());
    }

    @Override
    public boolean open(Path image) {
        boolean here = image.startsWith(directory);
        if (here) {
            note("opens");
        }
        return here;
    }

    @Override
    public void close(Path image) {
        note("closes");
    }

    @Override
    public void remove(CopyName name) {
        note("removes");
    }

    @Override
    public Set<CopyName> copies(Name vm) {
        return Set.of(new CopyName(vm, directory.getFileName() + "-000002-of-000001"));
    }
}
