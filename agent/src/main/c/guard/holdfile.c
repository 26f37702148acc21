#include "holdfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "request.h"
#include "vm.h"

#define PATH_BYTES (DIRECTORY_BYTES + 32)
#define FILE_BYTES 512

static bool put(const char *directory, const char *name, const char *text, size_t length)
{
    char path[PATH_BYTES];
    char fresh[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(fresh, sizeof fresh, "%s/.%s.guard", directory, name);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return false;
    }
    bool written = write(fd, text, length) == (ssize_t)length;
    return close(fd) == 0 && written && rename(fresh, path) == 0;
}

static ssize_t get(const char *directory, const char *name, char *text, size_t size)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -1;
    }
    ssize_t length = read(fd, text, size - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return length;
}

bool holdfile_write(const struct vm *vm, const char *token, int64_t due)
{
    char text[FILE_BYTES];
    int length = snprintf(text, sizeof text, "token=%s\nsince_boottime_ms=%" PRId64 "\npid=%d\npid_start=%llu\n", token, due,
                          (int)vm->pid, vm->pid_start);

    return put(vm->directory, "hold", text, (size_t)length);
}

bool holdfile_read(const char *directory, struct holdfile *file)
{
    char text[FILE_BYTES];
    long long pid;

    if (get(directory, "hold", text, sizeof text) <= 0 ||
        sscanf(text, "token=%128[^\n]\nsince_boottime_ms=%" SCNd64 "\npid=%lld\npid_start=%llu\n", file->token, &file->due, &pid,
               &file->pid_start) != 4 ||
        pid < 2 || pid > INT32_MAX || !is_token(file->token)) {
        return false;
    }
    file->pid = (pid_t)pid;
    return true;
}

bool holdfile_copy(const char *directory, const char *from, const char *to)
{
    char text[FILE_BYTES];
    ssize_t length = get(directory, from, text, sizeof text);

    return length > 0 && put(directory, to, text, (size_t)length);
}

bool holdfile_is_there(const char *directory, const char *name)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

void holdfile_remove(const char *directory, const char *name)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (unlink(path) != 0 && errno != ENOENT) {
        log_line(LOG_WARNING, "cannot remove %s (%s): others will take its VM for held; remove it by hand", path, strerror(errno));
    }
}

void holdfile_each(const char *socket_path, void (*found)(const char *directory, const char *name))
{
    char vms_path[PATH_BYTES];
    char directory[DIRECTORY_BYTES];
    const char *slash = strrchr(socket_path, '/');
    struct dirent *entry;

    snprintf(vms_path, sizeof vms_path, "%.*s/vms", (int)(slash - socket_path), socket_path);
    DIR *list = opendir(vms_path);
    if (list == NULL) {
        return; /* No machine was ever started here. */
    }
    while ((entry = readdir(list)) != NULL) {
        int length = snprintf(directory, sizeof directory, "%s/%s", vms_path, entry->d_name);
        if (is_name(entry->d_name) && length < (int)sizeof directory - 1 && holdfile_is_there(directory, "hold")) {
            found(directory, entry->d_name);
        }
    }
    closedir(list);
}
