// Sockets, netlink and descriptors passed between processes.
#ifndef CLINUX_NET_H
#define CLINUX_NET_H

#include <stddef.h>
#include <stdint.h>

#endif
