#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level threshold = LOG_INFO;

bool log_set_level(const char *name)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            threshold = levels[i].level;
            return true;
        }
    }
    return false;
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[1024];
    int used = snprintf(text, sizeof text, "<%d>holdfast-guard: ", (int)level);
    va_list arguments;

    if (level > threshold) {
        return;
    }
    va_start(arguments, format);
    int more = vsnprintf(text + used, sizeof text - (size_t)used - 1, format, arguments);
    va_end(arguments);
    if (more < 0) {
        return;
    }
    size_t length = strlen(text);
    /* A message from elsewhere (QEMU, a guest) must not forge a second log line. */
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20) {
            text[i] = ' ';
        }
    }
    text[length++] = '\n';
    if (write(STDERR_FILENO, text, length) < 0) {
        return; /* Nobody reads the log; thawing goes on. */
    }
}
