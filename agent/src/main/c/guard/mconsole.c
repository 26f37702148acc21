#include "mconsole.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAGIC 0xcafebabe
#define VERSION 2
#define COMMAND_BYTES 512
#define ANSWER_BYTES 8192 /* more than the kernel puts into one datagram */

struct request {
    uint32_t magic;
    uint32_t version;
    uint32_t length;
    char command[COMMAND_BYTES];
};

struct answer {
    int32_t error;
    uint32_t more;
    uint32_t length;
    char text[ANSWER_BYTES];
};

#define ANSWER_HEAD offsetof(struct answer, text)

static bool set_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(address->sun_path, path);
    return true;
}

int mconsole_open(const char *path)
{
    struct sockaddr_un address;

    if (!set_address(&address, path) || (unlink(path) != 0 && errno != ENOENT)) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    mode_t before = umask(0177); /* Who cannot write to it cannot answer in the name of the guest. */
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    umask(before);
    if (bound) {
        return fd;
    }
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

bool mconsole_send(int fd, const char *path, const char *command)
{
    struct sockaddr_un address;
    struct request request = {.magic = MAGIC, .version = VERSION, .length = (uint32_t)strlen(command)};

    strcpy(request.command, command);
    return set_address(&address, path) &&
           sendto(fd, &request, sizeof request, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address) >= 0;
}

enum mconsole_answer mconsole_receive(int fd)
{
    static struct answer answer;
    ssize_t length = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);

    if (length < 0) {
        return MCONSOLE_NONE;
    }
    if ((size_t)length < ANSWER_HEAD || answer.more > 1 || answer.length != (size_t)length - ANSWER_HEAD) {
        return MCONSOLE_STRANGE;
    }
    /* The length counts the NUL at the end. */
    size_t letters = answer.length > 0 && answer.text[answer.length - 1] == '\0' ? answer.length - 1 : answer.length;
    static const char not_stopped[] = "Not stopped";
    if (answer.error == 0) {
        return letters == 0 ? MCONSOLE_GOES_ON : MCONSOLE_DONE;
    }
    if (letters == strlen(not_stopped) && memcmp(answer.text, not_stopped, letters) == 0) {
        return MCONSOLE_NOT_STOPPED;
    }
    return MCONSOLE_REFUSED;
}
