/* s3_redact_test.c - a part of a secret is known in each form that a server may give it. */

#include "unit.h"

#include "s3/redact.h"

#include <stdio.h>

#define TOKEN "FwoGZXIvYXdzEJr//////////wEaDKq2xT9+Nq8ZtLw3bSKmAf5Yd0uVhC7=="
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SIGNATURE "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"

static const struct creds creds = { .key_id = "AKIAIOSFODNN7EXAMPLE", .secret = SECRET, .token = TOKEN };

static bool holds(const char *text)
{
	return redact_holds(span_of(text), &creds, SPAN(SIGNATURE));
}

static void test_table(void **state)
{
	static const struct {
		const char *name, *text;
	} held[] = {
		{ "whole", TOKEN },
		{ "head", "so: FwoGZXIvYX." },
		{ "without head", "bad token KmAf5Yd0uVhC7==" },
		{ "tail", "C7 or 5Yd0uVhC7" },
		{ "secret", "RfiCYEXA" },
		{ "signature", "b5d6ed31 is not what was expected" },
		{ "other case", "fWOgzxiVyxDZej" },
		{ "small", "fwogzxivyxdz" },
		{ "backwards", "zdXYvIXZGowF" },
		{ "line breaks", "FwoG\nZXIv\r\nYXdz" },
		{ "blanks", "F w o G Z X I v Y X" },
		{ "dots", "F.w.o.G.Z.X.I.v.Y.X" },
		{ "zero width", "F\u200bw\u200bo\u200bG\u200bZ\u200bX\u200bI\u200bv" },
		{ "quoted", "'FwoG' 'ZXIv' 'YXdz'" },
		{ "URL", "Nq8ZtLw3%62SKm" },
		{ "URL, all", "%46%77%6f%47%5a%58%49%76%59" },
		{ "URL twice", "%2546%2577%256F%2547%255a%2558%2549%2576" },
		{ "XML", "F&#119;o&#x47;Z&#88;Iv" },
		{ "XML twice", "&amp;#70;&amp;#119;&amp;#111;&amp;#71;&amp;#90;&amp;#88;&amp;#73;&amp;#118;" },
		{ "C", "\\x46\\x77\\x6f\\x47\\x5a\\x58\\x49\\x76" },
		{ "JSON", "\\u0046\\u0077\\u006f\\u0047ZXIv" },
		{ "quoted-printable", "=46=77=6F=47=5A=58=49=76" },
		{ "hex", "46776f475a584976" },
		{ "HEX", "your token, A46776F475A584976" },
		{ "hex with colons", "46:77:6f:47:5a:58:49:76" },
		{ "hex of C", "0x46 0x77 0x6f 0x47 0x5a 0x58 0x49 0x76" },
		{ "hex of the small", "66776f677a786976" },
		{ "base64 in pieces", "Rnd vR1 pYS XZZ WGR 6RU o" },
		{ "base64 at 0", "RndvR1pYSXZZWGR6RUo=" },
		{ "base64 at 1", "eEZ3b0daWEl2WVhkekVK" },
		{ "base64 at 2", "eHhGd29HWlhJdllYZHpFSg" },
		{ "base64, other case", "rNDVr1PysxzzwgR6ruO=" },
		{ "base64, small", "rndvr1pysxzzwgr6ruo" },
		{ "base64 at 1, small", "eez3b0dawel2wvhkekvk" },
		{ "base64 at 2, small", "ehhgd29hwlhjdllyzhpfsg" },
		{ "base64 for URLs, escaped", "RndvR1pYSXZZWGR6RUovLy8v%3D" },
		{ "base64 in words", "The token RndvR1pYSXZZWGR6RUo is not one of ours" },
		{ "base64 of the other case", "ZldPZ3p4aVZ5eERaZWo" },
		{ "base32", "IZ3W6R22LBEXMWKY" },
		{ "base32 in words", "Code: IZ3W 6R22 LBEX MWKY" },
	};
	static const char *const harmless[] = {
		"",
		"The AWS Access Key Id you provided does not exist in our records.",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		"AKIAIOSFODNN7EXAMPLE is not known here",
		"FwoGZXI is seven",
		"FwoGZXI of vYXdzEJ and KmAf5Yd",
		"https://bucket-2024.s3.eu-central-1.amazonaws.com/threads/0123456789",
		"4442587FB7D0A2F9 Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg==",
	};

	(void)state;
	for (size_t i = 0; i < sizeof held / sizeof *held; i++)
		if (!holds(held[i].text))
			fail_msg("%s is not seen: %s", held[i].name, held[i].text);
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (holds(harmless[i]))
			fail_msg("seen in: %s", harmless[i]);
}

/* Each run of each secret among other words: eight characters as they are, and one less. */
static void test_each_run(void **state)
{
	static const char *const secrets[] = { TOKEN, SECRET, SIGNATURE };
	char text[64];

	(void)state;
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i + REDACT_RUN <= strlen(secrets[k]); i++) {
			snprintf(text, sizeof text, "a, %.*s, b", REDACT_RUN, secrets[k] + i);
			assert_true(holds(text));
			snprintf(text, sizeof text, "!, %.*s, !", REDACT_RUN - 1, secrets[k] + i);
			assert_false(holds(text));
		}
}

static void test_short_secrets(void **state)
{
	const struct creds brief = { .secret = "a-1.B", .token = "" };

	(void)state;
	assert_true(redact_holds(SPAN("it is a1b"), &brief, SPAN("")));
	assert_true(redact_holds(SPAN("it is b,1,a"), &brief, SPAN("")));
	assert_true(redact_holds(SPAN("YS0xLkI="), &brief, SPAN("")));
	assert_false(redact_holds(SPAN("it is a1"), &brief, SPAN("")));
	assert_false(redact_holds(SPAN("anything"), &(struct creds){ .secret = "-.-" }, SPAN("")));
}

static void test_limits(void **state)
{
	char text[REDACT_TEXT_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof text);
	assert_false(redact_holds((struct span){ text, REDACT_TEXT_MAX }, &creds, SPAN("")));
	assert_true(redact_holds((struct span){ text, sizeof text }, &creds, SPAN("")));
	memcpy(text + REDACT_TEXT_MAX - 9, "5Yd0uVhC7", 9);
	assert_true(redact_holds((struct span){ text, REDACT_TEXT_MAX }, &creds, SPAN("")));
	/* The most readings that a text can have, each full. */
	for (size_t i = 0; i < REDACT_TEXT_MAX; i++)
		text[i] = "%250123456789abcdef"[i * 7 % 19];
	redact_holds((struct span){ text, REDACT_TEXT_MAX }, &creds, SPAN(""));
}

static void test_looks_coded(void **state)
{
	static const struct {
		const char *text;
		bool coded;
	} cases[] = {
		{ "", false },
		{ "The request signature we calculated does not match", false },
		{ "https://bucket-2024.s3.eu-central-1.amazonaws.com/", false },
		{ "SignatureDoesNotMatchAtAllHereOrThere", false },
		{ "0123456789abcdef0123456789abcdef", false },
		{ "UVdkdlIxcFlTWFpaV0dSNlJVbw", true },
		{ "say UVdkdlIxcFlTWFpaV0dSNlJVbw==.", true },
		{ "UVdkdlIxcFlTWFpaV0d", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (redact_looks_encoded(span_of(cases[i].text)) != cases[i].coded)
			fail_msg("%s", cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_each_run),
		cmocka_unit_test(test_short_secrets),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_looks_coded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
