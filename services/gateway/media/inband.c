#include "media/inband.h"

#include <spandsp.h>

#include "media/g711.h"

struct md_inband;                                /* is spandsp's receiver under another name */

static dtmf_rx_state_t *rx(struct md_inband *d)
{
	return (dtmf_rx_state_t *)d;
}

struct md_inband *md_inband_new(void)
{
	return (struct md_inband *)dtmf_rx_init(NULL, NULL, NULL);
}

void md_inband_free(struct md_inband **d)
{
	if (*d)
		dtmf_rx_free(rx(*d));
	*d = NULL;
}

char md_inband_feed(struct md_inband *d, enum media_codec c, const uint8_t *p, size_t n)
{
	int16_t pcm[MD_FRAME];
	char digits[8] = "";

	while (n) {
		size_t k = n < MD_FRAME ? n : MD_FRAME;

		md_decode(c, pcm, p, k);
		dtmf_rx(rx(d), pcm, (int)k);
		p += k;
		n -= k;
	}
	return dtmf_rx_get(rx(d), digits, (int)sizeof(digits) - 1) > 0 ? digits[0] : 0;
}

void md_inband_lost(struct md_inband *d, size_t n)
{
	dtmf_rx_fillin(rx(d), (int)n);
}
