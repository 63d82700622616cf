/* Business data in files: YAML documents -> JSON with a map from fields to lines. The only file that knows libyaml. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <yaml.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc.h"

#define FILE_MAX (16 << 20)
#define NODES_MAX 500000        /* of one document, aliases counted as often as they are used */
#define DEPTH_MAX 40
#define FIELD_LEN 256

struct ctx {
	struct docs *all;
	struct doc *d;
	yaml_document_t *y;
	const char *file;
	int nodes, failed;
};

void docs_fault(struct docs *d, const char *file, int line, const char *field, const char *msg)
{
	d->errors++;
	fprintf(d->out ? d->out : stderr, "%s:%d: %s%s%s\n", file, line, field, *field ? ": " : "", msg);
}

static void fault(struct ctx *c, const yaml_node_t *n, const char *field, const char *msg)
{
	if (!c->failed)
		docs_fault(c->all, c->file, (int)n->start_mark.line + 1, field, msg);
	c->failed = 1;
}

static void note_line(struct doc *d, const char *field, int line)
{
	if (d->n_lines == d->cap) {
		d->cap = d->cap * 2 + 16;
		d->lines = yc_xrealloc(d->lines, d->cap * sizeof(*d->lines));
	}
	d->lines[d->n_lines++] = (struct line_at){ yc_xstrdup(field), line };
}

int doc_line(const struct doc *d, const char *field)
{
	char f[FIELD_LEN];
	char *dot;

	yc_copy(f, sizeof(f), field);
	while (*f) {
		for (size_t i = 0; i < d->n_lines; i++)
			if (yc_streq(d->lines[i].path, f))
				return d->lines[i].line;
		dot = strrchr(f, '.');
		if (!dot)
			break;
		*dot = 0;
	}
	return d->line;
}

int doc_has(const struct doc *d, const char *field)
{
	for (size_t i = 0; i < d->n_lines; i++)
		if (yc_streq(d->lines[i].path, field))
			return 1;
	return 0;
}

/* --- values ---------------------------------------------------------------------------------------------------------------------------- */

static const char *value_of(const yaml_node_t *n)
{
	return (const char *)n->data.scalar.value;
}

static int is_plain(const yaml_node_t *n)
{
	return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int is_integer(const char *s)
{
	const char *p = s + (*s == '-');

	return *p && strspn(p, "0123456789") == strlen(p) && strlen(p) < 19 && !(p[0] == '0' && p[1]);
}

static const char *boolean(const char *s)
{
	static const char *const yes[] = { "true", "True", "yes", "on" }, *const no[] = { "false", "False", "no", "off" };

	for (int i = 0; i < 4; i++) {
		if (yc_streq(s, yes[i]))
			return "true";
		if (yc_streq(s, no[i]))
			return "false";
	}
	return NULL;
}

/* A field that is text takes 11185 and yes as they are written; elsewhere plain words are numbers and booleans. */
static void scalar(struct ctx *c, const yaml_node_t *n, const ProtobufCFieldDescriptor *f)
{
	const char *s = value_of(n), *b;
	int is_text = f && (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_ENUM || f->type == PROTOBUF_C_TYPE_BYTES);

	if (strlen(s) != n->data.scalar.length)
		fault(c, n, "", "a value contains a NUL character");
	else if (!is_plain(n))
		yc_buf_json_str(&c->d->json, s);
	else if (!*s || yc_streq(s, "~") || yc_streq(s, "null"))
		yc_buf_str(&c->d->json, is_text ? "\"\"" : "null");
	else if (is_text)
		yc_buf_json_str(&c->d->json, s);
	else if ((b = boolean(s)))
		yc_buf_str(&c->d->json, b);
	else if (is_integer(s))
		yc_buf_str(&c->d->json, s);
	else
		yc_buf_json_str(&c->d->json, s);
}

static void value(struct ctx *c, yaml_node_t *n, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f, const char *field, int depth);

static void sequence(struct ctx *c, yaml_node_t *n, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f, const char *field, int depth)
{
	char sub[FIELD_LEN];
	int i = 0;

	yc_buf_str(&c->d->json, "[");
	for (yaml_node_item_t *it = n->data.sequence.items.start; it < n->data.sequence.items.top && !c->failed; it++, i++) {
		yaml_node_t *v = yaml_document_get_node(c->y, *it);

		if (i)
			yc_buf_str(&c->d->json, ",");
		snprintf(sub, sizeof(sub), "%s.%d", field, i);
		note_line(c->d, sub, (int)v->start_mark.line + 1);
		value(c, v, d, f, sub, depth + 1);
	}
	yc_buf_str(&c->d->json, "]");
}

static int seen_before(struct ctx *c, const yaml_node_t *n, const yaml_node_pair_t *at, const char *key)
{
	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < at; p++) {
		const yaml_node_t *k = yaml_document_get_node(c->y, p->key);

		if (k->type == YAML_SCALAR_NODE && yc_streq(value_of(k), key))
			return 1;
	}
	return 0;
}

static void remember(struct doc *d, const char *key, const yaml_node_t *v)
{
	if (v->type != YAML_SCALAR_NODE)
		return;
	if (yc_streq(key, "code") && !d->key)
		d->key = yc_xstrdup(value_of(v));
	if (yc_streq(key, "parent") && !d->parent)
		d->parent = yc_xstrdup(value_of(v));
}

static void mapping(struct ctx *c, yaml_node_t *n, const ProtobufCMessageDescriptor *d, const char *field, int depth)
{
	char sub[FIELD_LEN];
	int first = 1;

	yc_buf_str(&c->d->json, "{");
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top && !c->failed; p++) {
		yaml_node_t *k = yaml_document_get_node(c->y, p->key), *v = yaml_document_get_node(c->y, p->value);
		const ProtobufCFieldDescriptor *f;

		if (k->type != YAML_SCALAR_NODE) {
			fault(c, k, field, "a key must be a word");
			return;
		}
		snprintf(sub, sizeof(sub), "%s%s%s", field, *field ? "." : "", value_of(k));
		note_line(c->d, sub, (int)k->start_mark.line + 1);
		if (seen_before(c, n, p, value_of(k))) {
			fault(c, k, sub, "given twice");
			return;
		}
		if (depth == 0 && yc_streq(value_of(k), "kind"))        /* says what the document is; not a field of it */
			continue;
		if (depth == 0)
			remember(c->d, value_of(k), v);
		f = d ? protobuf_c_message_descriptor_get_field_by_name(d, value_of(k)) : NULL;
		if (!first)
			yc_buf_str(&c->d->json, ",");
		first = 0;
		yc_buf_json_str(&c->d->json, value_of(k));
		yc_buf_str(&c->d->json, ":");
		value(c, v, f && f->type == PROTOBUF_C_TYPE_MESSAGE ? f->descriptor : NULL, f, sub, depth + 1);
	}
	yc_buf_str(&c->d->json, "}");
}

static void value(struct ctx *c, yaml_node_t *n, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f, const char *field, int depth)
{
	if (++c->nodes > NODES_MAX || depth > DEPTH_MAX)
		fault(c, n, field, "the document is too large or too deep");
	if (c->failed)
		return;
	if (n->type == YAML_SCALAR_NODE)
		scalar(c, n, f);
	else if (n->type == YAML_SEQUENCE_NODE)
		sequence(c, n, d, f, field, depth);
	else
		mapping(c, n, d, field, depth);
}

/* --- documents and files ----------------------------------------------------------------------------------------------------------------- */

static const char *kind_of(struct ctx *c, const yaml_node_t *root)
{
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = yaml_document_get_node(c->y, p->key), *v = yaml_document_get_node(c->y, p->value);

		if (k->type == YAML_SCALAR_NODE && yc_streq(value_of(k), "kind") && v->type == YAML_SCALAR_NODE)
			return value_of(v);
	}
	return NULL;
}

static void doc_free(struct doc *d)
{
	for (size_t i = 0; i < d->n_lines; i++)
		yc_xfree(d->lines[i].path);
	yc_xfree(d->lines);
	yc_xfree(d->file);
	yc_xfree(d->kind);
	yc_xfree(d->key);
	yc_xfree(d->parent);
	yc_buf_free(&d->json);
}

void docs_free(struct docs *d)
{
	for (size_t i = 0; i < d->n; i++)
		doc_free(&d->v[i]);
	yc_xfree(d->v);
	d->v = NULL;
	d->n = d->cap = 0;
}

void docs_keep(struct docs *d, int (*keep)(const struct doc *d, void *arg), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (keep(&d->v[i], arg))
			d->v[kept++] = d->v[i];
		else
			doc_free(&d->v[i]);
	}
	d->n = kept;
}

static void one(struct docs *all, yaml_document_t *y, yaml_node_t *root, const char *file, kind_fn *kind)
{
	struct doc d = { 0 };
	struct ctx c = { .all = all, .d = &d, .y = y, .file = file };
	const char *k;

	if (root->type != YAML_MAPPING_NODE) {
		fault(&c, root, "", "a document is a mapping that begins with kind:");
		return;
	}
	k = kind_of(&c, root);
	if (!k || !kind(k)) {
		fault(&c, root, "kind", k ? "no such kind" : "is missing");
		return;
	}
	d.file = yc_xstrdup(file);
	d.kind = yc_xstrdup(k);
	d.line = (int)root->start_mark.line + 1;
	mapping(&c, root, kind(k), "", 0);
	if (c.failed) {
		doc_free(&d);
		return;
	}
	if (all->n == all->cap) {
		all->cap = all->cap * 2 + 16;
		all->v = yc_xrealloc(all->v, all->cap * sizeof(*all->v));
	}
	all->v[all->n++] = d;
}

void docs_text(struct docs *d, const char *name, const char *text, size_t n, kind_fn *kind)
{
	yaml_parser_t p;
	yaml_document_t y;
	yaml_node_t *root;

	if (!yaml_parser_initialize(&p))
		return;
	yaml_parser_set_input_string(&p, (const unsigned char *)text, n);
	for (;;) {
		if (!yaml_parser_load(&p, &y)) {
			docs_fault(d, name, (int)p.problem_mark.line + 1, "", p.problem ? p.problem : "no YAML");
			break;
		}
		root = yaml_document_get_root_node(&y);
		if (root && !(root->type == YAML_SCALAR_NODE && !*value_of(root)))
			one(d, &y, root, name, kind);
		yaml_document_delete(&y);
		if (!root)
			break;
	}
	yaml_parser_delete(&p);
}

static void read_file(struct docs *d, const char *path, kind_fn *kind)
{
	FILE *f = fopen(path, "re");
	struct yc_buf text = { 0 };
	char buf[65536];
	size_t n;

	if (!f) {
		docs_fault(d, path, 0, "", strerror(errno));
		return;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && text.n < FILE_MAX)
		yc_buf_add(&text, buf, n);
	if (ferror(f) || text.n >= FILE_MAX)
		docs_fault(d, path, 0, "", ferror(f) ? strerror(errno) : "the file is too large");
	else if (text.n)
		docs_text(d, path, text.p, text.n, kind);
	fclose(f);
	yc_buf_free(&text);
}

static int is_yaml(const char *name)
{
	size_t n = strlen(name);

	return *name != '.' && ((n > 5 && yc_streq(name + n - 5, ".yaml")) || (n > 4 && yc_streq(name + n - 4, ".yml"))) && !strstr(name, ".each.");
}

void docs_read(struct docs *d, const char *path, kind_fn *kind)
{
	char sub[YC_PATH * 2];
	struct dirent **names;
	struct stat st;
	int n;

	if (stat(path, &st)) {
		docs_fault(d, path, 0, "", strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		read_file(d, path, kind);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if ((size_t)snprintf(sub, sizeof(sub), "%s/%s", path, name) < sizeof(sub) && *name != '.' && stat(sub, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				docs_read(d, sub, kind);
			else if (is_yaml(name))
				read_file(d, sub, kind);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}
