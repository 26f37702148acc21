/*
 * What the guest program writes to its disks: one record of 512 bytes per iteration, in slot (seq mod SLOTS).
 * Shared by the guest (talker.c) and by the reader on the host (read-slots.c). Integers are little-endian (x86 only).
 */
#ifndef HOLDFAST_SLOT_H
#define HOLDFAST_SLOT_H

#include <stddef.h>
#include <stdint.h>

enum { SLOT_BYTES = 512, SLOTS = 256, MAX_GUESTS = 16 };

#define SLOT_MAGIC 0x31544f4c53444c48ull /* "HLDSLOT1" */

struct channel_counts {
    uint64_t sent;     /* messages this guest has decided to send to the peer; written before the first byte leaves */
    uint64_t received; /* messages of the peer this guest has read and checked */
};

struct slot {
    uint64_t magic;
    uint64_t seq;
    uint64_t mono_us; /* CLOCK_MONOTONIC of the guest when the record was made */
    uint64_t bad;
    uint32_t id;
    uint32_t guests;
    uint32_t reconnects;
    uint32_t reserved;
    struct channel_counts peer[MAX_GUESTS + 1]; /* by guest id; [0] unused */
    uint8_t pad[SLOT_BYTES - 48 - 16 * (MAX_GUESTS + 1) - 8];
    uint64_t check; /* FNV-1a of all bytes before it */
};

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "a slot is one sector");

static inline uint64_t fnv1a(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *byte = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3ull;
    return hash;
}

#define FNV_START 0xcbf29ce484222325ull

static inline uint64_t slot_check(const struct slot *s)
{
    return fnv1a(FNV_START, s, offsetof(struct slot, check));
}

static inline int slot_valid(const struct slot *s)
{
    return s->magic == SLOT_MAGIC && s->check == slot_check(s);
}

#endif
