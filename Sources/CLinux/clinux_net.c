#define _GNU_SOURCE
#include "clinux_net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

int berth_netlink_open(int protocol) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    struct sockaddr_nl address;
    memset(&address, 0, sizeof address);
    address.nl_family = AF_NETLINK;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

int berth_netlink_join(int fd, unsigned group) {
    return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
}

int berth_netlink_set_strict(int fd, int on) {
    return setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
}

int berth_is_namespace(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 && status.f_type == NSFS_MAGIC;
}

int berth_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int berth_epoll_change(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = { .events = events, .data.u64 = token };
    return epoll_ctl(epoll, operation, fd, &event);
}

int berth_epoll_wait(int epoll, struct berth_epoll_event *events, int count, int timeout) {
    struct epoll_event raw[64];
    if (count > 64) count = 64;
    int ready = epoll_wait(epoll, raw, count, timeout);
    for (int i = 0; i < ready; i++) {
        events[i].events = raw[i].events;
        events[i].token = raw[i].data.u64;
    }
    return ready;
}

long berth_splice(int from, int to, size_t count, unsigned flags) {
    return splice(from, NULL, to, NULL, count, flags);
}
