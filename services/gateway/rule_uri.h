/* Small readings of SIP header values. Pure. */
#ifndef GW_RULE_URI_H
#define GW_RULE_URI_H

#include <stddef.h>

/* `"Li" <sip:+86138@h;user=phone>;x=1, <tel:+86139>` -> "sip:+86138@h;user=phone"; the first entry. "" when there is none. Returns out. */
char *uri_in(const char *value, char *out, size_t n);
/* `"Li \"x\"" <sip:...>` -> `Li "x"`; "" when there is no display name. Returns out. */
char *uri_display(const char *value, char *out, size_t n);
/* A display name as it may stand between quotes: quotes and backslashes escaped, control characters dropped. Returns out. */
char *uri_quote(const char *display, char *out, size_t n);
/* Only characters that may stand in the user part of a SIP URI; others dropped. Returns out. */
char *uri_user(const char *user, char *out, size_t n);
/* Body of application/dtmf-relay ("Signal=5\r\nDuration=160") or application/dtmf ("5"): the digit, 0 when there is none. */
char uri_info_digit(const char *body, size_t n);
/* Does a comma-separated token list (Allow-Events) contain this token? Case counts not. */
int uri_list_has(const char *list, const char *token);

#endif
