#include "control.h"

#include <stddef.h>
#include <string.h>

const struct control *control_named(const char *name)
{
    static const struct control *const all[] = {&qmp_control, &console_control, &libvirt_control, &xen_control};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(name == NULL ? qmp_control.name : name, all[i]->name) == 0) {
            return all[i];
        }
    }
    return NULL;
}
