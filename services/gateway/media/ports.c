#include "media/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "yc/arena.h"

enum {
	RCVBUF = 32768,                          /* the kernel doubles it: about a second of G.711 */
	TRIES = 1024,                            /* another process may hold a whole stretch of the range */
	DSCP_EF = 46 << 2,                       /* expedited forwarding, RFC 3246 */
};

struct md_ports { int *ring, cap, head, n; };

enum yc_code md_ports_new(struct md_ports **out, int min, int max, struct yc_err *e)
{
	struct md_ports *p;
	int first = (min + 1) / 2 * 2, n;

	*out = NULL;
	if (min < 1024 || min > 65534)
		return yc_fail(e, YC_INVALID, "port_min", "%d is not between 1024 and 65534", min);
	n = max > 65535 ? 0 : (max - first + 1) / 2;
	if (n < 1)
		return yc_fail(e, YC_INVALID, "port_max", "%d to %d holds no even port with the odd one above it", min, max);
	p = yc_xcalloc(1, sizeof(*p));
	p->ring = yc_xcalloc((size_t)n, sizeof(int));
	p->cap = p->n = n;
	for (int i = 0; i < n; i++)
		p->ring[i] = first + 2 * i;
	*out = p;
	return YC_OK;
}

void md_ports_free(struct md_ports **p)
{
	if (*p)
		yc_xfree((*p)->ring);
	yc_xfree(*p);
	*p = NULL;
}

static int take(struct md_ports *p)
{
	int port = p->ring[p->head];

	p->head = (p->head + 1) % p->cap;
	p->n--;
	return port;
}

void md_port_give(struct md_ports *p, int port)
{
	p->ring[(p->head + p->n++) % p->cap] = port;
}

int md_ports_free_count(const struct md_ports *p)
{
	return p->n;
}

static int try_port(const char *ip, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int six = strchr(ip, ':') != NULL, rcvbuf = RCVBUF, tos = DSCP_EF, fd, saved;

	if (inet_pton(six ? AF_INET6 : AF_INET, ip, six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	if (bind(fd, six ? (void *)&v6 : (void *)&v4, six ? sizeof(v6) : sizeof(v4)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int md_port_open(struct md_ports *p, const char *ip, int *port, struct yc_err *e)
{
	int tries = p->n < TRIES ? p->n : TRIES;

	while (tries-- > 0) {
		int fd;

		*port = take(p);
		fd = try_port(ip, *port);
		if (fd >= 0)
			return fd;
		md_port_give(p, *port);          /* to the end of the ring */
		if (errno == EADDRINUSE || errno == EACCES)
			continue;
		if (errno == EINVAL || errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
			(void)yc_fail(e, YC_INVALID, "bind_ip", "\"%s\" is not an address of this machine", ip);
		else
			(void)yc_fail(e, YC_EXHAUSTED, "sockets", "no socket: %s", strerror(errno));
		return -1;
	}
	(void)yc_fail(e, YC_EXHAUSTED, "ports", "no free RTP port");
	return -1;
}
