/*
 * qmp-fd SOCKET FILE: connects standard input and output with a QMP socket, and hands FILE (created, opened for writing) over
 * with the first bytes: what a shell cannot do. "getfd" among the first commands gives the descriptor its name in QEMU.
 * Ends when standard input has ended and QEMU has been silent for half a second.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

static ssize_t send_with(int socket, const char *data, size_t size, int descriptor)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {(void *)data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

int main(int count, char **words)
{
    char data[65536];
    int handed = 0, input = STDIN_FILENO;
    if (count != 3) {
        fprintf(stderr, "usage: qmp-fd SOCKET FILE\n");
        return 2;
    }
    int qmp = connect_to(words[1]);
    int file = open(words[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (qmp < 0 || file < 0) {
        perror(qmp < 0 ? words[1] : words[2]);
        return 1;
    }
    for (;;) {
        struct pollfd ends[2] = {{.fd = input, .events = POLLIN}, {.fd = qmp, .events = POLLIN}};
        if (poll(ends, 2, input < 0 ? 500 : -1) <= 0)
            return 0;
        if (ends[0].revents != 0) {
            ssize_t size = read(input, data, sizeof data);
            if (size <= 0)
                input = -1;
            else if ((handed ? send(qmp, data, (size_t)size, MSG_NOSIGNAL) : send_with(qmp, data, (size_t)size, file)) != size)
                return 1;
            else
                handed = 1;
        }
        if (ends[1].revents != 0) {
            ssize_t size = read(qmp, data, sizeof data);
            if (size <= 0 || write(STDOUT_FILENO, data, (size_t)size) != size)
                return size == 0 ? 0 : 1;
        }
    }
}
