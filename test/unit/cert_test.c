/* cert_test.c - DER in its one form, names and their constraints as Go's crypto/x509 matches them. Whole certificates: test_certificates.py. */

#include "unit.h"

#include "http/cert.h"
#include "http/der.h"
#include "http/names.h"

#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static void test_elements(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		bool good;
	} cases[] = {
		{ "empty", BYTES("\x30\x00"), true },
		{ "short form", BYTES("\x30\x01x"), true },
		{ "long form where the short one serves", BYTES("\x30\x81\x01x"), false },
		{ "indefinite", BYTES("\x30\x80\x00\x00"), false },
		{ "length with a zero in front", BYTES("\x30\x82\x00\x80"), false },
		{ "four bytes of length", BYTES("\x30\x84\x01\x00\x00\x00"), false },
		{ "high tag", BYTES("\x3f\x10\x00"), false },
		{ "cut off", BYTES("\x30\x02x"), false },
		{ "no length", BYTES("\x30"), false },
		{ "nothing", BYTES(""), false },
	};
	struct span content;
	unsigned tag;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span in = cases[i].in;

		if (der_take_any(&in, &tag, &content) != cases[i].good)
			fail_msg("%s", cases[i].name);
		assert_int_equal(in.n, cases[i].good ? 0 : cases[i].in.n);
	}
}

static bool is_integer(struct span in)
{
	return der_integer(&in, &in);
}

static bool is_boolean(struct span in)
{
	bool value;

	return der_boolean(&in, &value);
}

static bool is_oid(struct span in)
{
	return der_oid(&in, &in);
}

static bool is_small_number(struct span in)
{
	long value;

	return der_number(&in, DER_INTEGER, 300, &value);
}

static bool is_time(struct span in)
{
	int64_t value;

	return der_time(&in, &value);
}

static void test_values(void **state)
{
	static const struct {
		bool (*is)(struct span in);
		struct span in;
		bool good;
	} cases[] = {
		{ is_integer, BYTES("\x02\x01\x00"), true },
		{ is_integer, BYTES("\x02\x02\x00\x80"), true },
		{ is_integer, BYTES("\x02\x02\x00\x7f"), false },
		{ is_integer, BYTES("\x02\x02\xff\x7f"), true },
		{ is_integer, BYTES("\x02\x02\xff\x80"), false },
		{ is_integer, BYTES("\x02\x00"), false },
		{ is_boolean, BYTES("\x01\x01\xff"), true },
		{ is_boolean, BYTES("\x01\x01\x00"), true },
		{ is_boolean, BYTES("\x01\x01\x01"), false },
		{ is_boolean, BYTES("\x01\x02\xff\xff"), false },
		{ is_oid, BYTES("\x06\x03\x55\x1d\x11"), true },
		{ is_oid, BYTES("\x06\x03\x55\x1d\x91"), false },
		{ is_oid, BYTES("\x06\x03\x55\x80\x11"), false },
		{ is_oid, BYTES("\x06\x06\x55\x87\xff\xff\xff\x7f"), true },
		{ is_oid, BYTES("\x06\x06\x55\x88\x80\x80\x80\x00"), false },
		{ is_oid, BYTES("\x06\x00"), false },
		{ is_small_number, BYTES("\x02\x02\x01\x2c"), true },
		{ is_small_number, BYTES("\x02\x02\x01\x2d"), false },
		{ is_small_number, BYTES("\x02\x01\xff"), false },
		{ is_small_number, BYTES("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false },
		{ is_time,
			BYTES("\x17\x0d"
			      "260228235959Z"),
			true },
		{ is_time,
			BYTES("\x17\x0d"
			      "240229000000Z"),
			true },
		{ is_time,
			BYTES("\x17\x0d"
			      "260229000000Z"),
			false },
		{ is_time,
			BYTES("\x17\x0d"
			      "261301000000Z"),
			false },
		{ is_time,
			BYTES("\x17\x0d"
			      "260001000000Z"),
			false },
		{ is_time,
			BYTES("\x17\x0d"
			      "260101240000Z"),
			false },
		{ is_time,
			BYTES("\x17\x0d"
			      "260101006000Z"),
			false },
		{ is_time,
			BYTES("\x17\x0d"
			      "260101000060Z"),
			false },
		{ is_time,
			BYTES("\x17\x0b"
			      "2601010000Z"),
			false },
		{ is_time,
			BYTES("\x17\x0d"
			      "2601010000000"),
			false },
		{ is_time,
			BYTES("\x18\x0f"
			      "20260101000000Z"),
			true },
		{ is_time,
			BYTES("\x18\x0d"
			      "260101000000Z"),
			false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (cases[i].is(cases[i].in) != cases[i].good)
			fail_msg("case %zu", i);
}

static void test_centuries(void **state)
{
	struct span early = BYTES("\x17\x0d"
				  "500101000000Z"),
		    late = BYTES("\x17\x0d"
				 "491231235959Z");
	int64_t when;

	(void)state;
	assert_true(der_time(&early, &when));
	assert_int_equal(when, -631152000);
	assert_true(der_time(&late, &when));
	assert_int_equal(when, 2524607999);
}

/* "localhost,*.b" becomes a list of names. */
static struct span names_of(const char *text, struct buf *out)
{
	struct span rest = span_of(text), one;
	bool more = true;

	buf_clear(out);
	while (more) {
		more = span_cut(&rest, ',', &one);
		der_put(out, NAMES_DNS, one);
	}
	return buf_all(out);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *names, *host;
		bool have;
	} cases[] = {
		{ "localhost", "localhost", true },
		{ "LocalHost", "LOCALHOST", true },
		{ "localhost", "localhost.", true },
		{ "localhost.", "localhost", false },
		{ "localhost.", "localhost.", true },
		{ "a,b,c", "b", true },
		{ "", "localhost", false },
		{ ".", ".", false },
		{ "*", "localhost", false },
		{ "*.b", "a.b", true },
		{ "*.b", "a.b.", true },
		{ "*.b", "b", false },
		{ "*.b", ".b", false },
		{ "*.b", "a.a.b", false },
		{ "*.a.b", "a.b", false },
		{ "a.*.b", "a.a.b", false },
		{ "a*.b", "aa.b", false },
		{ "**.b", "a.b", false },
		{ "*.com", "a.com", true },
		{ "*.z9", "a.Z9", true },
		{ "*.-b", "a.-b", false },
		{ "-a.b", "-a.b", true },
		{ "a_b.c", "A_B.C", true },
		{ "a b", "a b", true },
		{ "*.a b", "a.a b", false },
		{ "xlocalhost", "localhost", false },
		{ "localhost.example", "localhost", false },
	};
	char mem[200];
	struct buf list = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (names_have_host(names_of(cases[i].names, &list), span_of(cases[i].host)) != cases[i].have)
			fail_msg("%s for %s", cases[i].host, cases[i].names);
}

static void test_addresses(void **state)
{
	static const char mapped[] = "\x87\x10\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1";
	struct span plain = BYTES("\x82\1x\x87\4\x7f\0\0\1"), as_v6 = { mapped, 18 };

	(void)state;
	assert_true(names_have_ip(plain, SPAN("\x7f\0\0\1")));
	assert_true(names_have_ip(as_v6, SPAN("\x7f\0\0\1")));
	assert_true(names_have_ip(plain, (struct span){ mapped + 2, 16 }));
	assert_false(names_have_ip(plain, SPAN("\x7f\0\0\2")));
}

static struct span subtrees_of(unsigned tag, struct span base, struct buf *out)
{
	char mem[100];
	struct buf one = buf_over(mem, sizeof mem);

	if (!base.p)
		return (struct span){ "", 0 };
	der_put(&one, tag, base);
	buf_clear(out);
	der_put(out, DER_SEQUENCE, buf_all(&one));
	return buf_all(out);
}

static void test_constraints(void **state)
{
	static const struct {
		const char *names, *permitted, *excluded;
		bool let;
	} cases[] = {
		{ "a.b", "b", NULL, true },
		{ "a.b", "a.b", NULL, true },
		{ "a.b", "A.B", NULL, true },
		{ "a.b", "", NULL, true },
		{ "a.b", ".b", NULL, true },
		{ "b", ".b", NULL, false },
		{ "ab", "b", NULL, false },
		{ "a.b", "a.a.b", NULL, false },
		{ "a.b,c", "b", NULL, false },
		{ "*.b", "b", NULL, true },
		{ "*.b", "a.b", NULL, false },
		{ "a.b", NULL, "b", false },
		{ "a.b", NULL, "", false },
		{ "a.b", NULL, "c", true },
		{ "a.b", NULL, "a.a.b", true },
		{ "*.b", NULL, "a.b", false },
		{ "*.b", NULL, "a.c", true },
		{ "*.b", NULL, "a.a.b", true },
		{ "a.b", "b", "a.b", false },
		{ "a.b.", "b", NULL, false },
		{ "a..b", "b", NULL, false },
		{ "a b.b", "b", NULL, false },
	};
	char mem[3][200];
	struct buf list = buf_over(mem[0], 200), one = buf_over(mem[1], 200), two = buf_over(mem[2], 200);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span yes = { cases[i].permitted, cases[i].permitted ? strlen(cases[i].permitted) : 0 };
		struct span no = { cases[i].excluded, cases[i].excluded ? strlen(cases[i].excluded) : 0 };

		if (names_permitted(names_of(cases[i].names, &list), subtrees_of(NAMES_DNS, yes, &one),
			    subtrees_of(NAMES_DNS, no, &two)) != cases[i].let)
			fail_msg("%s under %s but %s", cases[i].names, yes.p, no.p);
	}
}

static void test_address_constraints(void **state)
{
	static const struct {
		struct span name, permitted, excluded;
		bool let;
	} cases[] = {
		{ BYTES("\x87\4\x0a\1\2\3"), BYTES("\x0a\0\0\0\xff\0\0\0"), { NULL, 0 }, true },
		{ BYTES("\x87\4\x0b\1\2\3"), BYTES("\x0a\0\0\0\xff\0\0\0"), { NULL, 0 }, false },
		{ BYTES("\x87\4\x0a\1\2\3"), { NULL, 0 }, BYTES("\x0a\0\0\0\xff\0\0\0"), false },
		{ BYTES("\x87\4\x0a\1\2\3"), { NULL, 0 }, BYTES("\x0a\1\0\0\xff\0\0\0"), false },
		{ BYTES("\x87\4\x0a\1\2\3"), BYTES("\x0a\1\0\0\xff\0\0\0"), { NULL, 0 }, false },
		{ BYTES("\x87\4\x0a\1\2\3"), { NULL, 0 },
			BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), true },
		{ BYTES("\x87\4\x0a\1\2\3"), BYTES("\x0a\1\1\0\xff\xff\0\0"), { NULL, 0 }, false },
		{ BYTES("\x87\4\x0a\1\2\3"), BYTES("\x0a\1\0\1\xff\xff\0\0"), { NULL, 0 }, false },
		{ BYTES("\x82\1x"), BYTES("\x0a\0\0\0\xff\0\0\0"), { NULL, 0 }, true },
		{ BYTES("\x81\3a@b"), BYTES("\x0a\0\0\0\xff\0\0\0"), { NULL, 0 }, false },
		{ BYTES("\x86\5a://b"), BYTES("\x0a\0\0\0\xff\0\0\0"), { NULL, 0 }, false },
		{ BYTES("\x88\1x"), BYTES("\x0a\0\0\0\xff\0\0\0"), { NULL, 0 }, true },
	};
	char mem[2][200];
	struct buf one = buf_over(mem[0], 200), two = buf_over(mem[1], 200);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (names_permitted(cases[i].name, subtrees_of(NAMES_IP, cases[i].permitted, &one),
			    subtrees_of(NAMES_IP, cases[i].excluded, &two)) != cases[i].let)
			fail_msg("case %zu", i);
}

/* What would take long is refused. */
static void test_many_comparisons(void **state)
{
	struct buf names = buf_heap(1 << 20), subtrees = buf_heap(1 << 20);

	(void)state;
	for (int i = 0; i < 500; i++) {
		buf_str(&names, "\x82\1a");
		buf_add(&subtrees, "\x30\3\x82\1a", 5);
	}
	assert_false(names_permitted(buf_all(&names), buf_all(&subtrees), SPAN("")));
	names.len = 3 * (NAMES_COMPARISONS / 500);
	assert_true(names_permitted(buf_all(&names), buf_all(&subtrees), SPAN("")));
	buf_free(&names);
	buf_free(&subtrees);
}

static void test_lists(void **state)
{
	static const struct {
		struct span list;
		bool good;
		unsigned known;
	} names[] = {
		{ BYTES("\x82\1a\x87\4\1\2\3\4\x81\3a@b\x86\5a://b"), true, 4 },
		{ BYTES("\x88\1\x2a\xa4\2\x30\0"), true, 0 },
		{ BYTES("\x87\5\1\2\3\4\5"), false, 1 },
		{ BYTES("\x82\1\xe9"), false, 1 },
		{ BYTES("\x82\2a"), false, 0 },
		{ BYTES("\x86\5urn:a"), false, 1 },
		{ BYTES("\x86\6a://b:"), false, 1 },
		{ BYTES("\x86\x0bs://td/a%20"), false, 1 },
		{ BYTES("\x86\x0as://td/a.b"), true, 1 },
		{ BYTES("\x86\4://b"), false, 1 },
		{ BYTES("\x86\6a1://b"), false, 1 },
		{ BYTES("\x86\6+a://b"), false, 1 },
		{ BYTES("\x86\x0aspiffe://a"), true, 1 },
	};
	static const struct {
		struct span list;
		bool good, unknown;
	} subtrees[] = {
		{ BYTES("\x30\3\x82\1a\x30\2\x82\0"), true, false },
		{ BYTES("\x30\4\x82\2a."), false, false },
		{ BYTES("\x30\3\x82\1."), false, false },
		{ BYTES("\x30\x0a\x87\x08\1\2\3\4\xff\xff\xf0\0"), true, false },
		{ BYTES("\x30\x0a\x87\x08\1\2\3\4\xff\xf0\xf0\0"), false, false },
		{ BYTES("\x30\x0a\x87\x08\1\2\3\4\xff\x0f\0\0"), false, false },
		{ BYTES("\x30\x0a\x87\x08\1\2\3\4\x0f\0\0\0"), false, false },
		{ BYTES("\x30\6\x87\4\1\2\3\4"), false, false },
		{ BYTES("\x30\5\x81\3a@b\x30\4\x81\2.b"), true, false },
		{ BYTES("\x30\5\x81\3@@b"), false, false },
		{ BYTES("\x30\x09\x86\7"
			"1.2.3.4"),
			false, false },
		{ BYTES("\x30\3\x86\1b"), true, false },
		{ BYTES("\x30\4\x86\2b1"), true, false },
		{ BYTES("\x30\2\x86\0"), true, false },
		{ BYTES("\x30\5\x86\3b:1"), false, false },
		{ BYTES("\x30\4\xa4\2\x30\0"), true, true },
		{ BYTES("\x30\0"), false, false },
	};
	unsigned known;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names_parse(names[i].list, &known) != names[i].good)
			fail_msg("names %zu", i);
		assert_int_equal(known, names[i].known);
	}
	for (size_t i = 0; i < sizeof subtrees / sizeof *subtrees; i++) {
		bool unknown = false;

		if (names_parse_subtrees(subtrees[i].list, &unknown) != subtrees[i].good || unknown != subtrees[i].unknown)
			fail_msg("subtrees %zu", i);
	}
}

static void test_first(void **state)
{
	struct span none = names_first(SPAN("\x87\4\1\2\3\4"));

	(void)state;
	assert_true(span_is(names_first(SPAN("\x87\4\1\2\3\4\x82\1a\x82\1b")), "a"));
	assert_int_equal(none.n, 0);
}

#define RSA_ID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define EC_ID "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"

static void test_keys(void **state)
{
	static const struct {
		const char *name;
		struct span key;
		bool good;
	} cases[] = {
		{ "RSA", BYTES("\x30\x1b\x30\x0d" RSA_ID "\x05\x00\x03\x0a\x00\x30\x07\x02\x02\x00\xc1\x02\x01\x03"), true },
		{ "without NULL", BYTES("\x30\x19\x30\x0b" RSA_ID "\x03\x0a\x00\x30\x07\x02\x02\x00\xc1\x02\x01\x03"), false },
		{ "exponent 1", BYTES("\x30\x1b\x30\x0d" RSA_ID "\x05\x00\x03\x0a\x00\x30\x07\x02\x02\x00\xc1\x02\x01\x01"),
			false },
		{ "even exponent", BYTES("\x30\x1b\x30\x0d" RSA_ID "\x05\x00\x03\x0a\x00\x30\x07\x02\x02\x00\xc1\x02\x01\x04"),
			false },
		{ "long exponent",
			BYTES("\x30\x1f\x30\x0d" RSA_ID "\x05\x00\x03\x0e\x00\x30\x0b\x02\x02\x00\xc1\x02\x05\x01\0\0\0\x01"),
			false },
		{ "even modulus", BYTES("\x30\x1b\x30\x0d" RSA_ID "\x05\x00\x03\x0a\x00\x30\x07\x02\x02\x00\xc2\x02\x01\x03"),
			false },
		{ "negative", BYTES("\x30\x1a\x30\x0d" RSA_ID "\x05\x00\x03\x09\x00\x30\x06\x02\x01\xc1\x02\x01\x03"), false },
		{ "negative, by one bit",
			BYTES("\x30\x1b\x30\x0d" RSA_ID "\x05\x00\x03\x0a\x00\x30\x07\x02\x02\x80\x01\x02\x01\x03"), false },
		{ "spare bits", BYTES("\x30\x1b\x30\x0d" RSA_ID "\x05\x00\x03\x0a\x01\x30\x07\x02\x02\x00\xc1\x02\x01\x03"),
			false },
		{ "P-256, compressed",
			BYTES("\x30\x19\x30\x13" EC_ID "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x02\x00\x02"), false },
		{ "another kind", BYTES("\x30\x09\x30\x03\x06\x01\x2a\x03\x02\x00x"), false },
	};
	br_x509_pkey k;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (cert_key(cases[i].key, &k) != cases[i].good)
			fail_msg("%s", cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_centuries),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_address_constraints),
		cmocka_unit_test(test_many_comparisons),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
