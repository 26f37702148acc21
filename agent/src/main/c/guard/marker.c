#include "marker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define PATH_BYTES 160
#define MARKER_BYTES 512

static void path_of(char *path, const char *directory, const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
}

bool marker_write(const char *directory, const char *token, int64_t deadline_ms, int64_t since_ms, bool was_paused)
{
    char fresh[PATH_BYTES];
    char path[PATH_BYTES];
    char text[MARKER_BYTES];

    path_of(fresh, directory, ".frozen.guard");
    path_of(path, directory, "frozen");
    int length = snprintf(text, sizeof text,
                          "token=%s\ndeadline_ms=%" PRId64 "\nsince_boottime_ms=%" PRId64 "\nkind=freeze\nwas_paused=%d\n",
                          token, deadline_ms, since_ms, was_paused ? 1 : 0);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return false;
    }
    /* No fsync: the directory is in /run, and a reboot ends every freeze. */
    bool written = write(fd, text, (size_t)length) == length;
    return close(fd) == 0 && written && rename(fresh, path) == 0;
}

static bool has_line(const char *text, const char *key, const char *value)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%s=%s\n", key, value);

    for (const char *at = strstr(text, line); at != NULL; at = strstr(at + length, line)) {
        if (at == text || at[-1] == '\n') {
            return true;
        }
    }
    return false;
}

void marker_remove(const char *directory, const char *token)
{
    char path[PATH_BYTES];
    char text[MARKER_BYTES];

    path_of(path, directory, "frozen");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    if (has_line(text, "token", token) && has_line(text, "kind", "freeze") && unlink(path) != 0) {
        log_line(LOG_WARNING, "cannot remove %s (%s): others will take its VM for frozen; remove it by hand", path,
                 strerror(errno));
    }
}
