#include "control.h"

#include <stddef.h>
#include <string.h>

const struct control *control_named(const char *name)
{
    if (name == NULL || strcmp(name, qmp_control.name) == 0) {
        return &qmp_control;
    }
    return strcmp(name, console_control.name) == 0 ? &console_control : NULL;
}
