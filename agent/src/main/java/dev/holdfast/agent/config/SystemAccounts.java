package dev.holdfast.agent.config;

import java.io.IOException;
import java.nio.file.FileSystems;

/** Asks the system for the users and groups that the configuration names. */
final class SystemAccounts {
    private SystemAccounts() {}

    static boolean hasUser(String name) {
        try {
            FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(name);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
