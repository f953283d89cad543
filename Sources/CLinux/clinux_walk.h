// Shared by the files that run the steps; not visible to Swift.
#ifndef CLINUX_WALK_H
#define CLINUX_WALK_H

#include "clinux_spawn.h"

struct walk {
    const struct berth_program *program;
    struct berth_message failure;
    char word;  // the parent's last message
    // Ids of mounts that were made for this container: only they may be written to.
    uint64_t own[64];
    size_t own_count;
};

// Each returns 0, or -1 with errno set.
int walk_filesystem_step(struct walk *walk, const struct berth_step *step);
int walk_process_step(struct walk *walk, const struct berth_step *step);

static inline int walk_register(const struct walk *walk, int index) {
    return index < 0 ? -1 : walk->program->registers[index];
}

static inline int walk_set(const struct walk *walk, int index, int descriptor) {
    if (descriptor < 0) return -1;
    if (index >= 0) walk->program->registers[index] = descriptor;
    return 0;
}

#endif
