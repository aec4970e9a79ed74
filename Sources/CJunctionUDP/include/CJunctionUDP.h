// The system calls of UDP that Swift cannot reach by itself: their types hide behind _GNU_SOURCE.
#ifndef CJUNCTIONUDP_H
#define CJUNCTIONUDP_H

// No header of the sockets is included here: Swift would see its types in this module and miss them in its own.
#include <stddef.h>
#include <stdint.h>

/// Messages that one call of junction_udp_send takes.
#define JUNCTION_UDP_BATCH 64

/// One message: consecutive vectors to one address, cut by the kernel into datagrams of `segment` bytes unless that is 0.
struct junction_udp_message {
    uint64_t high, low;  // the address as it lies in memory: sixteen bytes of IPv6, or four of IPv4 in `low`
    uint32_t scope;
    uint16_t port;  // as it lies in memory
    uint16_t segment;
    uint32_t vectors;
    uint8_t family;  // 4, 6, or 0 for the peer of a connected socket
};

/// Laid out as struct iovec.
struct junction_vector {
    const void *base;
    size_t length;
};

/// Sends up to JUNCTION_UDP_BATCH messages in one system call where there is one for it. `vectors` has those of all messages,
/// in order. Returns how many messages were taken, or -errno if the first was not.
int junction_udp_send(
    int descriptor, const struct junction_udp_message *messages, unsigned int count, struct junction_vector *vectors);

/// Receives one datagram without waiting; `from` has room for a sockaddr_storage. Returns its size, or -errno; *truncated tells whether it was larger than the buffer.
ptrdiff_t junction_udp_receive(int descriptor, void *buffer, size_t size, void *from, size_t from_size, int *truncated);

/// Whether the kernel can cut one message into several datagrams (Linux 4.18).
int junction_udp_can_segment(int descriptor);

/// The kernel's count of datagrams that found the socket's receive buffer full; -1 where it cannot be read.
int64_t junction_udp_kernel_drops(int descriptor);

/// Has multicast delivered for the groups alone that this socket joined; by default Linux delivers what any socket joined.
void junction_udp_own_groups_only(int descriptor, int family);

/// Joins or leaves a group (RFC 3678, section 5), of one source if that is not NULL. `interface` 0: as routes say. 0, or -errno.
int junction_udp_membership(
    int descriptor, int join, unsigned int interface, const void *group, size_t group_length,
    const void *source, size_t source_length);

/// Undoes connect(2). 0, or -errno.
int junction_udp_disconnect(int descriptor);

#ifdef __linux__
/// A new epoll(7) descriptor, or -errno.
int junction_poll_create(void);
/// Watches the descriptor for one event: readable, writable, or an error. 0, or -errno.
int junction_poll_arm(int poll, int descriptor, uint64_t token, int readable, int writable);
/// Stops watching.
void junction_poll_remove(int poll, int descriptor);
/// Waits for events and returns the tokens of up to `limit`, or -errno.
int junction_poll_wait(int poll, uint64_t *tokens, int limit);
#endif

#endif
