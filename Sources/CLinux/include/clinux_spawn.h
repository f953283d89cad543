// Creating processes: the steps that run between clone and exec.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stddef.h>
#include <stdint.h>

#endif
