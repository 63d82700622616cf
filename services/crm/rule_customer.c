#include "crm.h"

#include <stdio.h>
#include <string.h>

#include "yc/text.h"

unsigned crm_fields(const Pb__CustomerPut *in)
{
	static const struct { const char *name; unsigned bit; } all[] = {
		{ "name", CRM_NAME }, { "grade", CRM_GRADE }, { "note", CRM_NOTE }, { "phones", CRM_PHONES },
	};
	unsigned got = 0;

	if (!in->n_fields)
		return CRM_NAME | CRM_GRADE | CRM_NOTE | CRM_PHONES;
	for (size_t i = 0; i < in->n_fields; i++)
		for (size_t k = 0; k < 4; k++)
			if (!strcmp(in->fields[i], all[k].name))
				got |= all[k].bit;
	return got;
}

static int is_grade(const char *g)
{
	return !*g || !strcmp(g, "A") || !strcmp(g, "B") || !strcmp(g, "C") || !strcmp(g, "vip");
}

enum yc_code crm_check(const Pb__CustomerPut *in, unsigned fields, struct yc_err *e)
{
	if ((fields & CRM_NAME) && yc_utf8_len(in->name) > CRM_NAME_MAX)
		return yc_fail(e, YC_INVALID, "name", "a name has at most %d characters", CRM_NAME_MAX);
	if ((fields & CRM_GRADE) && !is_grade(in->grade))
		return yc_fail(e, YC_INVALID, "grade", "a grade is A, B, C, vip or empty");
	if ((fields & CRM_NOTE) && yc_utf8_len(in->note) > CRM_NOTE_MAX)
		return yc_fail(e, YC_INVALID, "note", "a note has at most %d characters", CRM_NOTE_MAX);
	if ((fields & CRM_PHONES) && in->n_phones > CRM_PHONES_MAX)
		return yc_fail(e, YC_INVALID, "phones", "a customer has at most %d numbers", CRM_PHONES_MAX);
	return YC_OK;
}

char *crm_reversed(const char *phone, char out[YC_PHONE_LEN])
{
	size_t n = strlen(phone), i;

	n = n < YC_PHONE_LEN ? n : YC_PHONE_LEN - 1;
	for (i = 0; i < n; i++)
		out[i] = phone[n - 1 - i];
	out[n] = 0;
	return out;
}

/* Digits as people write them, at least four. */
static int digits_of(const char *q, char out[YC_PHONE_LEN])
{
	int n = 0;

	for (; *q; q++) {
		if (*q >= '0' && *q <= '9') {
			if (n >= YC_PHONE_LEN - 1)
				return 0;
			out[n++] = *q;
		} else if (!strchr(" +-()", *q)) {
			return 0;
		}
	}
	out[n] = 0;
	return n >= 4 ? n : 0;
}

enum crm_search crm_search(const char *q, char out[CRM_SEARCH_LEN])
{
	char digits[YC_PHONE_LEN];
	size_t n = 0;

	out[0] = 0;
	if (yc_is_empty(q))
		return CRM_SEARCH_ALL;
	if (digits_of(q, digits)) {
		const char *d = digits;

		/* 0086... and the trunk 0 of an area code are not part of what is stored. */
		if (!strncmp(d, "0086", 4) && strlen(d) > 8)
			d += 4;
		while (*d == '0' && strlen(d) > 4)
			d++;
		crm_reversed(d, out);
		return CRM_SEARCH_DIGITS;
	}
	out[n++] = '%';
	for (; *q && n + 4 < CRM_SEARCH_LEN; q++) {
		if (*q == '%' || *q == '_' || *q == '\\')
			out[n++] = '\\';
		out[n++] = *q;
	}
	out[n++] = '%';
	out[n] = 0;
	return CRM_SEARCH_NAME;
}

int64_t crm_page(int32_t limit)
{
	if (limit <= 0)
		return CRM_PAGE;
	return limit < CRM_PAGE_MAX ? limit : CRM_PAGE_MAX;
}

char *crm_item_id(const char *id, char out[YC_ID_LEN])
{
	const char *ulid = strchr(id, '_');

	snprintf(out, YC_ID_LEN, "tli_%.35s", ulid ? ulid + 1 : id);
	return out;
}

const char *crm_outcome(const Pb__CallEnded *in)
{
	if (in->talk_ms > 0)
		return "served";
	return yc_is_empty(in->reason) ? "abandoned" : in->reason;
}
