/* Business data in files: what becomes of YAML, and where a fault stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/ticket.pb-c.h"
#include "yc/yc.h"
#include "yct.h"

static struct docs d;
static char *said;
static size_t said_n;

static const ProtobufCMessageDescriptor *kind(const char *name)
{
	if (yc_streq(name, "process"))
		return &pb__process__descriptor;
	return yc_streq(name, "person") ? &pb__person__descriptor : yc_streq(name, "org") ? &pb__org__descriptor : NULL;
}

static void read_text(const char *text)
{
	docs_text(&d, "f.yaml", text, strlen(text), kind);
	fflush(d.out);
}

static void setup(void)
{
	memset(&d, 0, sizeof(d));
	d.out = open_memstream(&said, &said_n);
}

static void teardown(void)
{
	docs_free(&d);
	fclose(d.out);
	free(said);
	said = NULL;
}

static void json_is(size_t i, const char *want)
{
	CU_ASSERT_FATAL(i < d.n);
	YCT_STR(d.v[i].json.p, want);
}

static void a_document_becomes_json_without_its_kind(void)
{
	read_text("kind: person\nname: 张伟\nroles: [agent, leader]\nskills:\n  - {skill: express, level: 4}\nactive: true\n");
	CU_ASSERT_EQUAL(d.errors, 0);
	json_is(0, "{\"name\":\"张伟\",\"roles\":[\"agent\",\"leader\"],\"skills\":[{\"skill\":\"express\",\"level\":4}],\"active\":true}");
}

static void text_fields_take_numbers_and_words_as_they_are_written(void)
{
	read_text("kind: person\nstaff_no: 0071\nlogin: yes\nname: 12\norg: ~\nversion: 3\nactive: no\n");
	json_is(0, "{\"staff_no\":\"0071\",\"login\":\"yes\",\"name\":\"12\",\"org\":\"\",\"version\":3,\"active\":false}");
}

static void quoted_text_is_text_everywhere(void)
{
	read_text("kind: person\nversion: \"3\"\nname: \"a\\n\\\"b\\\"\"\n");
	json_is(0, "{\"version\":\"3\",\"name\":\"a\\n\\\"b\\\"\"}");
}

static void several_documents_stand_in_one_file(void)
{
	read_text("# comment\n---\nkind: org\ncode: a\n---\n---\nkind: org\ncode: b\nparent: a\n");
	CU_ASSERT_EQUAL_FATAL(d.n, 2);
	YCT_STR(d.v[1].key, "b");
	YCT_STR(d.v[1].parent, "a");
	CU_ASSERT_EQUAL(d.v[0].line, 3);
	CU_ASSERT_EQUAL(d.v[1].line, 7);
}

static void a_field_knows_its_line(void)
{
	read_text("kind: process\nsteps:\n  - code: a\n    name: A\n  - {code: b,\n     holder: c}\n");
	CU_ASSERT_EQUAL_FATAL(d.n, 1);
	CU_ASSERT_EQUAL(doc_line(&d.v[0], "steps"), 2);
	CU_ASSERT_EQUAL(doc_line(&d.v[0], "steps.0.name"), 4);
	CU_ASSERT_EQUAL(doc_line(&d.v[0], "steps.1.holder"), 6);
	CU_ASSERT_EQUAL(doc_line(&d.v[0], "steps.1.target"), 5);        /* not given: the step it is missing in */
	CU_ASSERT_EQUAL(doc_line(&d.v[0], "version_no"), 1);            /* not given: the document */
	CU_ASSERT_EQUAL(doc_line(&d.v[0], ""), 1);
}

static void fault(const char *text, const char *want)
{
	teardown();
	setup();
	read_text(text);
	CU_ASSERT_EQUAL(d.errors, 1);
	CU_ASSERT_EQUAL(d.n, 0);
	if (strncmp(said, want, strlen(want)) != 0)
		printf("  said %s", said);
	CU_ASSERT_EQUAL(strncmp(said, want, strlen(want)), 0);
}

static void faults_name_file_line_and_field(void)
{
	fault("kind: org\ncode: [a\n", "f.yaml:3: ");
	fault("kind: org\ncode: a\nname: x\ncode: b\n", "f.yaml:4: code: given twice");
	fault("kind: process\nsteps:\n - {a: 1,\n    a: 2}\n", "f.yaml:4: steps.0.a: given twice");
	fault("\ncode: a\n", "f.yaml:2: kind: is missing");
	fault("kind: dragon\n", "f.yaml:1: kind: no such kind");
	fault("- a\n- b\n", "f.yaml:1: a document is a mapping");
	fault("kind: org\n? [x, y]\n: z\n", "f.yaml:2: a key must be a word");
}

static void a_fault_in_one_document_leaves_the_others(void)
{
	read_text("kind: org\ncode: a\n---\nkind: dragon\n---\nkind: org\ncode: b\n");
	CU_ASSERT_EQUAL(d.errors, 1);
	CU_ASSERT_EQUAL(d.n, 2);
}

static void aliases_are_expanded_within_a_bound(void)
{
	struct yc_buf bomb = { 0 };

	read_text("kind: process\nsteps:\n  - &s {code: a, name: A}\n  - *s\n");
	json_is(0, "{\"steps\":[{\"code\":\"a\",\"name\":\"A\"},{\"code\":\"a\",\"name\":\"A\"}]}");
	yc_buf_str(&bomb, "kind: process\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++)
		yc_buf_printf(&bomb, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	fault(bomb.p, "f.yaml:");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "too large or too deep"));
	yc_buf_free(&bomb);
	fault("kind: process\nsteps: &a [*a]\n", "f.yaml:");     /* a circle */
}

static int is_org(const struct doc *x, void *arg)
{
	return yc_streq(x->kind, "org");
}

static void documents_can_be_dropped(void)
{
	read_text("kind: org\ncode: a\n---\nkind: person\nname: b\npassword: c\n---\nkind: org\ncode: d\n");
	CU_ASSERT_EQUAL_FATAL(d.n, 3);
	CU_ASSERT_TRUE(doc_has(&d.v[1], "password"));
	CU_ASSERT_FALSE(doc_has(&d.v[0], "password"));
	docs_keep(&d, is_org, NULL);
	CU_ASSERT_EQUAL_FATAL(d.n, 2);
	YCT_STR(d.v[1].key, "d");
}

YCT_MAIN_WITH("yc_yaml", setup, teardown, T(a_document_becomes_json_without_its_kind), T(text_fields_take_numbers_and_words_as_they_are_written),
	T(quoted_text_is_text_everywhere), T(several_documents_stand_in_one_file), T(a_field_knows_its_line), T(faults_name_file_line_and_field),
	T(a_fault_in_one_document_leaves_the_others), T(aliases_are_expanded_within_a_bound), T(documents_can_be_dropped))
