#include "yct_rtp.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <CUnit/CUnit.h>

enum { FRAME = 160, RATE = 8000 };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* G.711 by search over the 256 levels of the standard's formulas: slow and independent of the engine's tables. */
int16_t yct_g711(int pt, uint8_t code)
{
	int seg, step, v;

	if (pt == 0) {
		code = (uint8_t)~code;
		seg = (code >> 4) & 7;
		step = code & 15;
		v = ((2 * step + 33) << (seg + 2)) - 132;
		return (int16_t)(code & 0x80 ? -v : v);
	}
	code ^= 0x55;
	seg = (code >> 4) & 7;
	step = code & 15;
	v = seg ? (2 * step + 33) << (seg + 2) : (2 * step + 1) << 3;
	return (int16_t)(code & 0x80 ? v : -v);
}

static uint8_t encode(int pt, int v)
{
	static int16_t level[2][256];
	static int ready;
	int best = 0, least = 1 << 30;

	for (int c = 0; !ready && c < 256; c++) {
		level[0][c] = yct_g711(0, (uint8_t)c);
		level[1][c] = yct_g711(8, (uint8_t)c);
	}
	ready = 1;
	for (int c = 0; c < 256; c++) {
		int d = abs(level[pt == 8][c] - v);

		if (d < least) {
			least = d;
			best = c;
		}
	}
	return (uint8_t)best;
}

void yct_rtp_open(struct yct_rtp *p, const char *ip, int pt, int event_pt, double hz)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	static uint32_t n = 1000;

	memset(p, 0, sizeof(*p));
	inet_pton(AF_INET, ip, &a.sin_addr);
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(p->fd >= 0 && bind(p->fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	getsockname(p->fd, (struct sockaddr *)&a, &len);
	p->port = ntohs(a.sin_port);
	p->pt = pt;
	p->event_pt = event_pt;
	p->hz = hz;
	p->ssrc = n += 7919;
	p->seq = 65500;                          /* soon wraps */
	p->ts = 0xfffffc00u;
	p->heard = calloc(YCT_HEARD_MAX, sizeof(*p->heard));
}

void yct_rtp_close(struct yct_rtp *p)
{
	close(p->fd);
	free(p->heard);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

void yct_rtp_to(struct yct_rtp *p, const char *ip, int port)
{
	strncpy(p->to_ip, ip, sizeof(p->to_ip) - 1);
	p->to_port = port;
}

static void put(struct yct_rtp *p, uint8_t *b, size_t n, int pt, int marker, uint32_t ts)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p->to_port) };

	b[0] = 0x80;
	b[1] = (uint8_t)(pt | marker << 7);
	b[2] = (uint8_t)(p->seq >> 8);
	b[3] = (uint8_t)p->seq;
	for (int i = 0; i < 4; i++) {
		b[4 + i] = (uint8_t)(ts >> (24 - 8 * i));
		b[8 + i] = (uint8_t)(p->ssrc >> (24 - 8 * i));
	}
	p->seq++;
	p->sent++;
	if (p->lose_every && p->sent % p->lose_every == 0)
		return;
	inet_pton(AF_INET, p->to_ip, &a.sin_addr);
	(void)!sendto(p->fd, b, n, 0, (struct sockaddr *)&a, sizeof(a));
}

static int dtmf_sample(struct yct_rtp *p)
{
	static const char keys[] = "123A456B789C*0#D";
	static const double low[] = { 697, 770, 852, 941 }, high[] = { 1209, 1336, 1477, 1633 };
	int slot = p->digit_at / 800, in = p->digit_at % 800;   /* 100 ms each, on and off */
	double t = (double)in / RATE;
	const char *k;

	p->digit_at++;
	if (slot % 2 || !(k = strchr(keys, p->digits[slot / 2])))
		return 0;
	return (int)(6000 * sin(2 * M_PI * low[(k - keys) / 4] * t) + 6000 * sin(2 * M_PI * high[(k - keys) % 4] * t));
}

void yct_rtp_say(struct yct_rtp *p)
{
	uint8_t b[12 + FRAME];

	for (int i = 0; i < FRAME; i++) {
		int v = 0;

		if (p->digits[0] && p->digit_at / 1600 < (int)strlen(p->digits)) {
			v = dtmf_sample(p);
		} else if (p->hz > 0) {
			v = (int)(8000 * sin(p->phase));
			p->phase += 2 * M_PI * p->hz / RATE;
		}
		b[12 + i] = encode(p->pt, v);
	}
	put(p, b, sizeof(b), p->pt, p->sent == 0, p->ts);
	p->ts += FRAME;
}

void yct_rtp_press(struct yct_rtp *p, char digit, int updates, int ends, unsigned lose)
{
	static const char keys[] = "0123456789*#ABCD";

	for (int i = 0; i < updates + ends; i++) {
		uint8_t b[16] = { 0 };
		int end = i >= updates, duration = (end ? updates : i + 1) * FRAME;

		b[12] = (uint8_t)(strchr(keys, digit) - keys);
		b[13] = (uint8_t)((end ? 0x80 : 0) | 10);
		b[14] = (uint8_t)(duration >> 8);
		b[15] = (uint8_t)duration;
		if (lose >> i & 1)
			p->seq++;
		else
			put(p, b, sizeof(b), p->event_pt, i == 0, p->ts);
	}
	p->ts += (uint32_t)(updates + 5) * FRAME;
}

static void hear(struct yct_rtp *p)
{
	uint8_t b[2048];
	ssize_t n = recv(p->fd, b, sizeof(b), 0);
	int pt = b[1] & 0x7f;
	uint16_t seq = (uint16_t)(b[2] << 8 | b[3]);
	uint32_t ts = (uint32_t)b[4] << 24 | (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 | b[7];
	uint32_t ssrc = (uint32_t)b[8] << 24 | (uint32_t)b[9] << 16 | (uint32_t)b[10] << 8 | b[11];

	if (n < 12 || b[0] != 0x80)
		return;
	p->markers += b[1] >> 7;
	if (p->packets) {
		p->ssrc_changes += ssrc != p->in_ssrc;
		p->seq_gaps += (uint16_t)(seq - p->in_seq) != 1;
		p->ts_wrong += (int32_t)(ts - p->in_ts) < 0;
	}
	p->packets++;
	p->in_ssrc = ssrc;
	p->in_seq = seq;
	p->in_ts = ts;
	if (pt != 0 && pt != 8 && n == 16) {
		p->events++;
		p->event_ends += b[13] >> 7;
		p->last_event = b[12];
		p->last_event_pt = pt;
		return;
	}
	p->foreign_pt += pt != p->pt;
	for (ssize_t i = 12; i < n && p->n_heard < YCT_HEARD_MAX; i++)
		p->heard[p->n_heard++] = yct_g711(pt, b[i]);
}

int yct_rtp_run(struct yct_rtp **peers, int n, int64_t ms, int (*stop)(void *), void *arg)
{
	struct pollfd fds[64];
	int64_t end = now_us() + ms * 1000;

	for (int i = 0; i < n; i++)
		peers[i]->due_us = now_us();
	while (now_us() < end) {
		int64_t next = end, now = now_us();

		for (int i = 0; i < n; i++) {
			fds[i] = (struct pollfd){ .fd = peers[i]->fd, .events = POLLIN };
			if (peers[i]->due_us <= now) {
				peers[i]->due_us += 20000;
				if (!peers[i]->muted && peers[i]->to_port)
					yct_rtp_say(peers[i]);
			}
			if (peers[i]->due_us < next)
				next = peers[i]->due_us;
		}
		now = now_us();
		poll(fds, (nfds_t)n, next > now ? (int)((next - now) / 1000) + (next - now > 500) : 0);
		for (int i = 0; i < n; i++)
			if (fds[i].revents & (POLLIN | POLLERR))
				hear(peers[i]);
		if (stop && stop(arg))
			return 1;
	}
	return 0;
}

void yct_rtp_forget(struct yct_rtp *p)
{
	p->n_heard = 0;
	p->packets = p->events = p->event_ends = p->ssrc_changes = p->seq_gaps = p->ts_wrong = p->markers = p->foreign_pt = 0;
}

double yct_rms(const int16_t *v, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += (double)v[i] * v[i];
	return to > from ? sqrt(sum / (double)(to - from)) : 0;
}

double yct_tone_share(const int16_t *v, size_t from, size_t to, double hz)
{
	enum { BLOCK = 400 };
	int blocks = 0, hit = 0;

	for (size_t at = from; at + BLOCK <= to; at += BLOCK) {
		double c = 2 * cos(2 * M_PI * hz / RATE), a = 0, b = 0, rms = yct_rms(v, at, at + BLOCK), power;

		for (int i = 0; i < BLOCK; i++) {
			double t = v[at + (size_t)i] + c * a - b;

			b = a;
			a = t;
		}
		power = sqrt(fmax(a * a + b * b - c * a * b, 0)) / (BLOCK / 2) / sqrt(2);   /* effective value of this tone */
		blocks++;
		hit += rms > 200 && power > 0.8 * rms;
	}
	return blocks ? (double)hit / blocks : 0;
}
