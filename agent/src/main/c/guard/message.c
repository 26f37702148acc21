#include "message.h"

#include <stdalign.h>
#include <stdint.h>

#define BLOCK_BYTES (768 * 1024)

static alignas(max_align_t) unsigned char block[BLOCK_BYTES];
static size_t block_used;

static void *take(size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

    if (size > BLOCK_BYTES || rounded > BLOCK_BYTES - block_used) {
        return NULL;
    }
    void *piece = block + block_used;
    block_used += rounded;
    return piece;
}

static void give_back(void *piece)
{
    (void)piece; /* message_reset() gives back everything at once. */
}

void message_init(void)
{
    json_set_alloc_funcs(take, give_back);
    json_object_seed(0);
}

void message_reset(void)
{
    block_used = 0;
}

json_t *message_parse(const char *line, size_t length, const char **why)
{
    static char text[JSON_ERROR_TEXT_LENGTH];
    json_error_t error;

    message_reset();
    json_t *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        snprintf(text, sizeof text, "%s", error.text);
        *why = text;
        return NULL;
    }
    if (!json_is_object(value)) {
        *why = "it is not a JSON object";
        return NULL;
    }
    return value;
}

size_t message_print(json_t *value, char *buffer, size_t size)
{
    size_t length = value == NULL ? 0 : json_dumpb(value, buffer, size, JSON_COMPACT);

    if (length == 0 || length >= size) {
        return 0;
    }
    buffer[length] = '\n';
    return length + 1;
}

const char *message_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

bool message_number(const json_t *object, const char *key, long long least, long long most, long long *number)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > most) {
        return false;
    }
    *number = json_integer_value(value);
    return true;
}
