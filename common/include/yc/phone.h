/* Telephone numbers: the one normaliser. Home country China unless told otherwise. */
#ifndef YC_PHONE_H
#define YC_PHONE_H

#define YC_PHONE_LEN 32

enum yc_phone_kind { YC_PHONE_NONE, YC_PHONE_MOBILE, YC_PHONE_FIXED, YC_PHONE_SERVICE, YC_PHONE_FOREIGN, YC_PHONE_EXTENSION };

/* "0086-871 6318 1234", "+86 (0)871 63181234", "tel:...", "sip:013888...@...", full-width digits -> "+8687163181234".
 * Short service numbers (11185, 95198, 12315, 110) and extensions (2-6 digits) stay as they are. area: the site's area code ("871",
 * may be NULL) for local numbers without one. Anonymous, empty or no digits: YC_PHONE_NONE and out = "". out has YC_PHONE_LEN. */
enum yc_phone_kind yc_phone_normalize(const char *in, const char *area, char *out);
/* "+8613888881234" -> "138****1234" for screens and logs. out has YC_PHONE_LEN. */
char *yc_phone_mask(const char *e164, char *out);

#endif
