/* proxy_test.c - which proxy serves what, by the rules of Go; what goes to it; what is refused, and that nothing of it is shown. */

#include "unit.h"

#include "http/no_proxy.h"
#include "http/proxy.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct http_origin origin(const char *host, unsigned port, bool tls)
{
	struct http_origin o = { .port = (uint16_t)port, .tls = tls };

	snprintf(o.host, sizeof o.host, "%s", host);
	return o;
}

/* "kind host port login" */
static void show_proxy(const struct proxy *p, char *out, size_t size)
{
	static const char *const kinds[] = { "none", "http", "https", "socks" };

	if (p->kind == PROXY_NONE)
		snprintf(out, size, "none");
	else
		assert_in_range(snprintf(out, size, "%s %s %u%s%.*s", kinds[p->kind], p->host, p->port, p->has_login ? " " : "",
					(int)p->login_length, p->login),
			0, size - 1);
}

static void reads_values(void **state)
{
	static const struct {
		const char *value, *proxy;
	} rows[] = {
		{ "", "none" },
		{ "proxy", "http proxy 80" },
		{ "localhost", "http localhost 80" },
		{ "127.0.0.1:8080", "http 127.0.0.1 8080" },
		{ "cache.corp:1234", "http cache.corp 1234" },
		{ "http://cache.corp:1234/", "http cache.corp 1234" },
		{ "HTTP://cache.corp/x?y#z", "http cache.corp 80" },
		{ "http://cache.corp:", "http cache.corp 80" },
		{ "http://cache.corp.:1", "http cache.corp. 1" },
		{ "https://cache.corp", "https cache.corp 443" },
		{ "socks5://cache_1", "socks cache_1 1080" },
		{ "socks5h://u:p@cache:9", "socks cache 9 u:p" },
		{ "http://[2001:db8::1]:3128", "http 2001:db8::1 3128" },
		{ "[::1]", "http ::1 80" },
		{ "user:pass@proxy:1", "http proxy 1 user:pass" },
		{ "http://user@proxy", "http proxy 80 user:" },
		{ "http://@proxy", "http proxy 80 :" },
		{ "http://us%65r:p%40s%3As@proxy", "http proxy 80 user:p@s:s" },
		{ "http://user:p@ss:1@proxy:2", "http proxy 2 user:p@ss:1" },
		{ "http://u:$&'()*+,;=-._~!@proxy", "http proxy 80 u:$&'()*+,;=-._~!" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_origin o = origin("s3.example", 443, true);
		struct err e = { 0 };
		struct proxy p;
		char got[600];

		if (proxy_choose(&p, &o, rows[i].value, "", &e))
			fail_msg("%s: %s", rows[i].value, e.text);
		show_proxy(&p, got, sizeof got);
		if (strcmp(got, rows[i].proxy) != 0)
			fail_msg("%s: %s", rows[i].value, got);
		assert_string_equal(p.variable, "HTTPS_PROXY");
	}
}

/* Go drops these and goes directly, or takes a part of it for the host. */
static void refuses_values(void **state)
{
	static const struct {
		const char *value, *why;
	} rows[] = {
		{ " http://proxy", "scheme" },
		{ " ", "host" },
		{ "http://", "no host" },
		{ "http:///SeCrEt", "no host" },
		{ "http:8080", "// is missing" },
		{ "https:proxy", "// is missing" },
		{ "socks5:/proxy", "// is missing" },
		{ "foo://proxy:1", "scheme" },
		{ "socks4://proxy:1", "scheme" },
		{ "://proxy", "scheme" },
		{ "http://proxy:80 ", "port" },
		{ "http://proxy:0", "port" },
		{ "http://proxy:65536", "port" },
		{ "http://proxy:x", "port" },
		{ "http://proxy\n", "control byte" },
		{ "http://pro xy", "host" },
		{ "http://.proxy", "host" },
		{ "http://prox\xc3\xbc", "xn--" },
		{ "http://::1:80", "host" },
		{ "http://[::1", "host" },
		{ "http://[::g]:1", "IPv6" },
		{ "http://[fe80::1%25eth0]", "" },
		{ "http://user:SeCrEt/x@proxy:1", "@ or %" },
		{ "http://user:12#SeCrEt@proxy:1", "@ or %" },
		{ "http://user:SeCrEt?x", "port" },
		{ "http://user:SeCrEt%zz@proxy", "hexadecimal" },
		{ "http://user:SeCrEt%4@proxy", "hexadecimal" },
		{ "http://user:SeC rEt@proxy", "hexadecimal" },
		{ "http://user:SeCrEt\xc3\xbc@proxy", "hexadecimal" },
		{ "http://us\"er:SeCrEt@proxy", "hexadecimal" },
		{ "http://proxy/%41", "@ or %" },
		{ "socks5://:SeCrEt@proxy", "SOCKS5" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_origin o = origin("s3.example", 80, false);
		struct err e = { 0 };
		struct proxy p;

		if (!proxy_choose(&p, &o, rows[i].value, "", &e))
			fail_msg("%s is taken", rows[i].value);
		if (e.code != CODE_USAGE || !strstr(e.text, "HTTP_PROXY") || !strstr(e.text, rows[i].why) ||
			strstr(e.text, "SeC") || strstr(e.hint, "SeC"))
			fail_msg("%s: %s", rows[i].value, e.text);
		/* One that is not used does no harm. */
		assert_int_equal(proxy_choose(&p, &o, rows[i].value, "other", &e), -1);
		assert_int_equal(proxy_choose(&p, &o, rows[i].value, "s3.example", &e), 0);
		assert_int_equal(p.kind, PROXY_NONE);
	}
}

#define LIST                                                                                                                    \
	"foobar.com, .barbaz.net,\t*.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, " \
	"[2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64,UPPER.com:80,port.com:443"

static void goes_around_it(void **state)
{
	static const struct {
		const char *list, *host;
		bool direct; /* at port 80 */
	} rows[] = {
		{ "", "s3.example", false },
		{ "", "localhost", true },
		{ "", "b.localhost", false },
		{ "", "127.0.0.1", true },
		{ "", "127.9.9.9", true },
		{ "", "::1", true },
		{ "", "::ffff:127.0.0.1", true },
		{ "", "::2", false },
		{ LIST, "192.168.1.1", true },
		{ LIST, "192.168.1.2", false },
		{ LIST, "192.168.1.3", true },
		{ LIST, "192.168.1.4", false },
		{ LIST, "10.0.0.3", true },
		{ LIST, "10.0.0.4", false },
		{ LIST, "::ffff:10.0.0.3", true },
		{ LIST, "2001:db8::52:0:1", true },
		{ LIST, "2001:db8::52:0:2", false },
		{ LIST, "2001:db8::52:0:3", true },
		{ LIST, "2002:db8:a::123", true },
		{ LIST, "2002:db8:a:1::123", false },
		{ LIST, "barbaz.net", false },
		{ LIST, "www.barbaz.net", true },
		{ LIST, "barbarbaz.net", false },
		{ LIST, "foobar.com", true },
		{ LIST, "www.foobar.com", true },
		{ LIST, "foofoobar.com", false },
		{ LIST, "wildcard.io", false },
		{ LIST, "nested.wildcard.io", true },
		{ LIST, "awildcard.io", false },
		{ LIST, "b.upper.com", true },
		{ LIST, "port.com", false },
		{ "*", "s3.example", true },
		{ "a, * ,b", "s3.example", true },
		{ "*:80", "s3.example", false },
		{ "*example", "s3.example", false },
		{ ":80, ,,:1", "s3.example", false },
		{ "s3.example:", "s3.example", true },
		{ "s3.example:080", "s3.example", false },
		{ "http://s3.example", "s3.example", false },
		{ "\n s3.example\r\n", "s3.example", true },
		{ "s3.example;x", "s3.example", false },
		{ "[2001:db8::1]", "2001:db8::1", false },
		{ "[2001:db8::1]:80", "2001:db8::1", true },
		{ "[2001:db8::1]80", "2001:db8::1", false },
		{ "10.0.0.0/33", "10.0.0.0", false },
		{ "10.0.0.0/08", "10.9.9.9", true },
		{ "10.0.0.0/", "10.0.0.0", false },
		{ "0.0.0.0/0", "10.0.0.0", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "10.0.0.0", false },
		{ "::/0", "2001:db8::1", true },
		{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
		{ "::ffff:10.0.0.0/90", "10.9.9.9", false },
		{ "0.0.0.0/0", "s3.example", false },
		{ ".1.2", "10.0.1.2", false },
		{ "1.2", "10.0.1.2", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e;

		if (no_proxy_names(rows[i].list, rows[i].host, 80, &e) != rows[i].direct)
			fail_msg("%s by %s", rows[i].host, rows[i].list);
	}
}

static void does_not_guess_other_letters(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(no_proxy_names("m\xc3\xbcller.de", "s3.example", 80, &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_non_null(strstr(e.text, "NO_PROXY"));
	assert_int_equal(no_proxy_names("m\xc3\xbcller.de,*", "s3.example", 80, &e), 1);
	assert_int_equal(no_proxy_names("m\xc3\xbcller.de,example", "s3.example", 80, &e), 1);
}

static void writes_what_it_forwards(void **state)
{
	struct http_origin o = origin("2001:db8::1", 9000, false);
	char mem[512];
	struct buf out = buf_over(mem, sizeof mem);
	struct proxy p;
	struct err e;

	(void)state;
	assert_int_equal(proxy_choose(&p, &o, "http://Aladdin:open%20sesame@proxy", "", &e), 0);
	assert_true(proxy_forwards(&p, &o));
	proxy_put_head(&out, &p, &o, SPAN("PUT /b/k?x=/ HTTP/1.1\r\nhost: h\r\n\r\n"));
	assert_string_equal(mem, "PUT http://[2001:db8::1]:9000/b/k?x=/ HTTP/1.1\r\n"
				 "proxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nhost: h\r\n\r\n");
	buf_clear(&out);
	o = origin("s3.example", 80, false);
	assert_int_equal(proxy_choose(&p, &o, "proxy", "", &e), 0);
	proxy_put_head(&out, &p, &o, SPAN("GET / HTTP/1.1\r\n\r\n"));
	assert_string_equal(mem, "GET http://s3.example/ HTTP/1.1\r\n\r\n");
	assert_int_equal(proxy_choose(&p, &o, "socks5://proxy", "", &e), 0);
	assert_false(proxy_forwards(&p, &o));
	o = origin("s3.example", 443, true);
	assert_int_equal(proxy_choose(&p, &o, "proxy", "", &e), 0);
	assert_false(proxy_forwards(&p, &o));
}

static void tells_proxies_apart(void **state)
{
	static const char *const values[] = { "", "a", "b", "a:81", "https://a:80", "u@a", "u:p@a", "u:q@a" };
	struct http_origin o = origin("s3.example", 80, false);

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++)
		for (size_t k = 0; k < COUNT(values); k++) {
			struct proxy a, b;
			struct err e;

			assert_int_equal(proxy_choose(&a, &o, values[i], "", &e), 0);
			assert_int_equal(proxy_choose(&b, &o, values[k], "", &e), 0);
			assert_int_equal(proxy_same(&a, &b), i == k);
		}
	assert_true(proxy_value_wants_tls("HTTPS://a"));
	assert_false(proxy_value_wants_tls("a"));
	assert_false(proxy_value_wants_tls(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values),
		cmocka_unit_test(refuses_values),
		cmocka_unit_test(goes_around_it),
		cmocka_unit_test(does_not_guess_other_letters),
		cmocka_unit_test(writes_what_it_forwards),
		cmocka_unit_test(tells_proxies_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
