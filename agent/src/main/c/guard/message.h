/*
 * JSON in and out. Jansson's memory comes from one fixed block that is emptied before each message, so that a thaw
 * never waits for memory and no message can eat more than the block.
 */
#ifndef HOLDFAST_MESSAGE_H
#define HOLDFAST_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

void message_init(void);
/* Forgets every value handed out so far. */
void message_reset(void);
/* The object in one line, or NULL and `why` says what is wrong with it. Resets first. */
json_t *message_parse(const char *line, size_t length, const char **why);
/* Writes the value and a line end; 0 if it does not fit or is no value. */
size_t message_print(json_t *value, char *buffer, size_t size);

const char *message_text(const json_t *object, const char *key);
bool message_number(const json_t *object, const char *key, long long least, long long most, long long *number);

#endif
