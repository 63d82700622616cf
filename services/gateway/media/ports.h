/* Local RTP ports: even ones of a range, the one used longest ago first, so that a late packet of an old call meets nobody. */
#ifndef MEDIA_PORTS_H
#define MEDIA_PORTS_H

#include "yc/err.h"

struct md_ports;
/* INVALID (field "port_min" or "port_max") when the range holds no pair. */
enum yc_code md_ports_new(struct md_ports **out, int min, int max, struct yc_err *e) YC_MUST;
void md_ports_free(struct md_ports **p);
/* A bound, non-blocking UDP socket, its port in *port; ports that others hold are passed over. -1: EXHAUSTED in e, or INVALID (field
 * "bind_ip"). */
int md_port_open(struct md_ports *p, const char *ip, int *port, struct yc_err *e);
void md_port_give(struct md_ports *p, int port);
int md_ports_free_count(const struct md_ports *p);

#endif
