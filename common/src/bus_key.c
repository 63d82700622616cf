/* CURVE key files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "yc/wire.h"

static enum yc_code write_file(const char *path, int mode, const char *text, struct yc_err *e)
{
	size_t n = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), ok;

	if (fd < 0)
		return yc_fail(e, errno == EEXIST ? YC_CONFLICT : YC_UNAVAILABLE, "keygen", "%s: %s", path, strerror(errno));
	ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	if (close(fd) || !ok)
		return yc_fail(e, YC_UNAVAILABLE, "keygen", "%s: %s", path, strerror(errno));
	return YC_OK;
}

enum yc_code yc_wire_keygen(const char *file, struct yc_err *e)
{
	char pub[41], sec[41], path[512], text[128];
	enum yc_code code;

	if (zmq_curve_keypair(pub, sec))
		return yc_fail(e, YC_UNIMPLEMENTED, "keygen", "this libzmq has no CURVE");
	snprintf(text, sizeof text, "public %s\nsecret %s\n", pub, sec);
	code = write_file(file, 0600, text, e);
	memset(sec, 0, sizeof sec);
	memset(text, 0, sizeof text);
	if (code)
		return code;
	snprintf(path, sizeof path, "%s.pub", file);
	snprintf(text, sizeof text, "public %s\n", pub);
	return write_file(path, 0644, text, e);
}

enum yc_code yc_wire_key_read(const char *file, char *public_key, char *secret_key, struct yc_err *e)
{
	char word[16], key[64];
	uint8_t raw[32];
	FILE *f = fopen(file, "re");

	if (!f)
		return yc_fail(e, YC_UNAVAILABLE, "curve", "%s: %s", file, strerror(errno));
	public_key[0] = 0;
	if (secret_key)
		secret_key[0] = 0;
	while (fscanf(f, "%15s %63s", word, key) == 2) {
		if (strlen(key) != 40 || !zmq_z85_decode(raw, key))
			break;
		if (strcmp(word, "public") == 0)
			memcpy(public_key, key, 41);
		else if (strcmp(word, "secret") == 0 && secret_key)
			memcpy(secret_key, key, 41);
	}
	fclose(f);
	memset(key, 0, sizeof key);
	if (!public_key[0] || (secret_key && !secret_key[0]))
		return yc_fail(e, YC_INVALID, "curve", "%s: no %s key in it", file, public_key[0] ? "secret" : "public");
	return YC_OK;
}
