/* yc admin create, yc demo. */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "yc/text.h"
#include "yc/v1/directory.pb-c.h"
#include "yc.h"

/* One line from the terminal without echo, or from whatever stdin is. */
static int read_password(const char *prompt, char *out, size_t size)
{
	struct termios was, quiet;
	int tty = isatty(0);

	if (tty) {
		fprintf(stderr, "%s", prompt);
		tcgetattr(0, &was);
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(0, TCSAFLUSH, &quiet);
	}
	*out = 0;
	if (!fgets(out, (int)size, stdin))
		*out = 0;
	if (tty) {
		tcsetattr(0, TCSAFLUSH, &was);
		fprintf(stderr, "\n");
	}
	out[strcspn(out, "\r\n")] = 0;
	return *out != 0;
}

static int ask_password(char *out, size_t size)
{
	char again[256];

	if (!read_password("口令 / password: ", out, size)) {
		fprintf(stderr, "yc: 需要口令 / a password is needed\n");
		return 0;
	}
	if (!isatty(0))
		return 1;
	if (read_password("再输一次 / once more: ", again, sizeof(again)) && yc_streq(again, out))
		return 1;
	fprintf(stderr, "yc: 两次输入不一致 / the two differ\n");
	return 0;
}

int cmd_admin(struct home *h, int argc, char **argv)
{
	const char *name = take_option(&argc, argv, "--name"), *staff_no = take_option(&argc, argv, "--staff-no");
	const char *given = take_option(&argc, argv, "--password");
	Pb__AdminCreateReq in = PB__ADMIN_CREATE_REQ__INIT;
	char password[256];
	struct yc_err e = { 0 };
	struct client c;
	void *out = NULL;

	if (argc != 3 || !yc_streq(argv[1], "create"))
		return usage("admin create LOGIN [--name NAME] [--staff-no NO] [--password PASSWORD]");
	if (given)
		yc_copy(password, sizeof(password), given);
	else if (!ask_password(password, sizeof(password)))
		return 1;
	in.login = argv[2];
	in.password = password;
	in.name = (char *)(name ? name : argv[2]);
	in.staff_no = (char *)(staff_no ? staff_no : "");
	if (client_open(&c, h, &e) == YC_OK && client_call(&c, "directory", &pb__directory__descriptor, "AdminCreate", &in, 10000, &out, &e) == YC_OK)
		printf("已创建管理员 / administrator created: %s (%s)\n", ((Pb__Person *)out)->login, ((Pb__Person *)out)->id);
	client_close(&c);
	explicit_bzero(password, sizeof(password));
	return e.code == YC_OK ? 0 : fail(&e);
}

/* A demonstration is a program beside the demo data: share/demo/matter. It gets where the centre is by environment. */
int cmd_demo(struct home *h, int argc, char **argv)
{
	char path[YC_PATH + 64];

	if (argc < 2 || strchr(argv[1], '/'))
		return usage("demo matter");
	snprintf(path, sizeof(path), "%s/demo/%s", h->share, argv[1]);
	setenv("YC_HOME", h->dir, 1);
	setenv("YC_HTTP", h->http, 1);
	setenv("YC_SIP", h->sip, 1);
	setenv("YC_SITE", h->site, 1);
	setenv("YC_SHARE", h->share, 1);
	setenv("YC_BIN", h->bin, 1);
	if (!home_running(h)) {
		fprintf(stderr, "yc: 中心没有运行，请先 yc up / the centre does not run: yc up first\n");
		return 3;
	}
	execv(path, argv + 1);
	perror(path);
	return 1;
}
