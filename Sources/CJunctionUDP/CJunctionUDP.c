#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "CJunctionUDP.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __linux__
#include <sys/epoll.h>
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef IP_MULTICAST_ALL
#define IP_MULTICAST_ALL 49
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#endif

_Static_assert(sizeof(struct junction_vector) == sizeof(struct iovec), "laid out alike");
_Static_assert(offsetof(struct junction_vector, length) == offsetof(struct iovec, iov_len), "laid out alike");

union name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static void fill(
    struct msghdr *header, union name *name, const struct junction_udp_message *message,
    struct junction_vector *vectors) {
    memset(header, 0, sizeof *header);
    if (message->family == 4) {
        memset(&name->v4, 0, sizeof name->v4);
        name->v4.sin_family = AF_INET;
        name->v4.sin_port = message->port;
        name->v4.sin_addr.s_addr = (in_addr_t)message->low;
        header->msg_namelen = sizeof name->v4;
    } else if (message->family == 6) {
        memset(&name->v6, 0, sizeof name->v6);
        name->v6.sin6_family = AF_INET6;
        name->v6.sin6_port = message->port;
        name->v6.sin6_scope_id = message->scope;
        memcpy(&name->v6.sin6_addr, &message->high, sizeof message->high);
        memcpy((char *)&name->v6.sin6_addr + sizeof message->high, &message->low, sizeof message->low);
        header->msg_namelen = sizeof name->v6;
    }
    if (message->family) header->msg_name = name;
    header->msg_iov = (struct iovec *)vectors;
    header->msg_iovlen = message->vectors;
}

int junction_udp_send(
    int descriptor, const struct junction_udp_message *messages, unsigned int count,
    struct junction_vector *vectors) {
    if (count > JUNCTION_UDP_BATCH) count = JUNCTION_UDP_BATCH;
    union name names[JUNCTION_UDP_BATCH];
#ifdef __linux__
    struct mmsghdr headers[JUNCTION_UDP_BATCH];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control[JUNCTION_UDP_BATCH];
    for (unsigned int i = 0; i < count; i++) {
        struct msghdr *header = &headers[i].msg_hdr;
        fill(header, &names[i], &messages[i], vectors);
        vectors += messages[i].vectors;
        if (messages[i].segment) {
            header->msg_control = control[i].bytes;
            header->msg_controllen = sizeof control[i].bytes;
            struct cmsghdr *message = CMSG_FIRSTHDR(header);
            message->cmsg_level = SOL_UDP;
            message->cmsg_type = UDP_SEGMENT;
            message->cmsg_len = CMSG_LEN(sizeof(uint16_t));
            memcpy(CMSG_DATA(message), &messages[i].segment, sizeof(uint16_t));
        }
    }
    int sent;
    do {
        sent = sendmmsg(descriptor, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
#else
    for (unsigned int i = 0; i < count; i++) {
        struct msghdr header;
        fill(&header, &names[i], &messages[i], vectors);
        vectors += messages[i].vectors;
        ssize_t size;
        do {
            size = sendmsg(descriptor, &header, MSG_DONTWAIT);
        } while (size < 0 && errno == EINTR);
        if (size < 0) return i ? (int)i : -errno;
    }
    return (int)count;
#endif
}

ptrdiff_t junction_udp_receive(
    int descriptor, void *buffer, size_t size, void *from, size_t from_size, int *truncated) {
    struct iovec vector = {buffer, size};
    struct msghdr header;
    memset(&header, 0, sizeof header);
    header.msg_name = from;
    header.msg_namelen = (socklen_t)from_size;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    ssize_t received;
    do {
        received = recvmsg(descriptor, &header, MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    *truncated = (header.msg_flags & MSG_TRUNC) != 0;
    return received < 0 ? -errno : received;
}

int junction_udp_can_segment(int descriptor) {
#ifdef __linux__
    int size = 0;
    socklen_t length = sizeof size;
    return getsockopt(descriptor, SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
#else
    (void)descriptor;
    return 0;
#endif
}

int64_t junction_udp_kernel_drops(int descriptor) {
#ifdef __linux__
    enum { DROPS = 8 };  // SK_MEMINFO_DROPS of linux/sock_diag.h
    uint32_t values[16];
    socklen_t length = sizeof values;
    if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, values, &length) == 0 && length > DROPS * sizeof values[0])
        return values[DROPS];
#else
    (void)descriptor;
#endif
    return -1;
}

void junction_udp_own_groups_only(int descriptor, int family) {
#ifdef __linux__
    int off = 0;  // a kernel that lacks an option behaves as before
    setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off);
    if (family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off);
#else
    (void)descriptor;
    (void)family;
#endif
}

int junction_udp_membership(
    int descriptor, int join, unsigned int interface, const void *group, size_t group_length,
    const void *source, size_t source_length) {
    int level = ((const struct sockaddr *)group)->sa_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int result;
    if (source) {
        struct group_source_req request;
        memset(&request, 0, sizeof request);
        request.gsr_interface = interface;
        memcpy(&request.gsr_group, group, group_length);
        memcpy(&request.gsr_source, source, source_length);
        int option = join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
        result = setsockopt(descriptor, level, option, &request, sizeof request);
    } else {
        struct group_req request;
        memset(&request, 0, sizeof request);
        request.gr_interface = interface;
        memcpy(&request.gr_group, group, group_length);
        result = setsockopt(descriptor, level, join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request, sizeof request);
    }
    return result < 0 ? -errno : 0;
}

int junction_udp_disconnect(int descriptor) {
    struct sockaddr_storage none;
    memset(&none, 0, sizeof none);
    none.ss_family = AF_UNSPEC;
    // Some systems report that the address family does not fit, after they have disconnected.
    if (connect(descriptor, (struct sockaddr *)&none, sizeof(struct sockaddr_in)) < 0 && errno != EAFNOSUPPORT)
        return -errno;
    return 0;
}

#ifdef __linux__
int junction_poll_create(void) {
    int descriptor = epoll_create1(EPOLL_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int junction_poll_arm(int poll, int descriptor, uint64_t token, int readable, int writable) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLONESHOT | (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
    event.data.u64 = token;
    if (epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    if (errno == ENOENT && epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0) return 0;
    return -errno;
}

void junction_poll_remove(int poll, int descriptor) {
    struct epoll_event unused;
    epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &unused);
}

int junction_poll_wait(int poll, uint64_t *tokens, int limit) {
    struct epoll_event events[64];
    int count = epoll_wait(poll, events, limit < 64 ? limit : 64, -1);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) tokens[i] = events[i].data.u64;
    return count;
}
#endif
