// What Swift's Glibc module does not provide: system calls without a wrapper, and constants that are macros. This
// includes no system header, because with _GNU_SOURCE they conflict with the Glibc module in a debug build.
#ifndef BERTH_CLINUX_H
#define BERTH_CLINUX_H

#include "clinux_base.h"
#include "clinux_confine.h"
#include "clinux_files.h"
#include "clinux_client.h"
#include "clinux_fs.h"
#include "clinux_net.h"
#include "clinux_overlay.h"
#include "clinux_spawn.h"
#include "clinux_view.h"

#endif
