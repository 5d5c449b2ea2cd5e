#include "http/no_proxy.h"

#include "base/chars.h"
#include "base/span.h"
#include "base/text.h"
#include "http/dial.h"

#define IP 16 /* bytes of an address; an IPv4 one is mapped (::ffff:a.b.c.d) */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool parse_ip(struct span s, unsigned char ip[IP])
{
	char text[64];
	size_t n;

	if (s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	n = dial_numeric(text, ip);
	if (n == 4) {
		memmove(ip + sizeof mapped, ip, n);
		memcpy(ip, mapped, sizeof mapped);
	}
	return n != 0;
}

static bool is_v4(const unsigned char ip[IP])
{
	return memcmp(ip, mapped, sizeof mapped) == 0;
}

static bool is_loopback(const unsigned char ip[IP])
{
	static const unsigned char one[IP] = { [IP - 1] = 1 };

	return is_v4(ip) ? ip[sizeof mapped] == 127 : memcmp(ip, one, IP) == 0;
}

/* The question that each entry is asked. */
struct asked {
	struct span host;
	char port[8];
	bool has_ip;
	unsigned char ip[IP];
};

/* 1: the host is in the network ENTRY; 0: it is not; -1: ENTRY is no network. */
static int network_has(struct span entry, const struct asked *q)
{
	unsigned char net[IP], here[IP];
	struct span address;
	unsigned long bits;

	if (!span_cut(&entry, '/', &address) || !parse_ip(address, net) ||
		!span_number(entry, memchr(address.p, ':', address.n) ? 128 : 32, &bits))
		return -1;
	if (!memchr(address.p, ':', address.n))
		bits += 8 * sizeof mapped;
	if (!q->has_ip)
		return 0;
	memcpy(here, q->ip, IP);
	for (size_t i = bits; i < 8 * IP; i++)
		net[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	if (is_v4(net) != is_v4(here))
		return 0;
	for (size_t i = bits; i < 8 * IP; i++)
		here[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	return memcmp(net, here, IP) == 0;
}

/* Go's net.SplitHostPort(). False: it is not "host:port" or "[address]:port", and then a host as a whole. */
static bool split_port(struct span s, struct span *host, struct span *port)
{
	size_t n = s.n;

	while (n && s.p[n - 1] != ':')
		n--;
	if (!n)
		return false;
	*port = span_skip(s, n);
	*host = (struct span){ s.p, n - 1 };
	if (host->n > 1 && s.p[0] == '[') {
		if (host->p[host->n - 1] != ']')
			return false;
		*host = (struct span){ host->p + 1, host->n - 2 };
	} else if (memchr(host->p, ':', host->n)) {
		return false;
	}
	return !memchr(host->p, '[', host->n) && !memchr(host->p, ']', host->n) && !memchr(port->p, '[', port->n) &&
	       !memchr(port->p, ']', port->n);
}

static bool ends_with_nocase(struct span s, struct span end)
{
	if (s.n < end.n)
		return false;
	for (size_t i = 0; i < end.n; i++)
		if (s.p[s.n - end.n + i] != char_lower(end.p[i]))
			return false;
	return true;
}

/* "domain": itself and all below it; ".domain", "*.domain": all below it. */
static bool domain_has(struct span domain, struct span host)
{
	if (span_starts(domain, SPAN("*.")))
		domain = span_skip(domain, 1);
	if (!ends_with_nocase(host, domain))
		return false;
	return domain.p[0] == '.' || host.n == domain.n || host.p[host.n - domain.n - 1] == '.';
}

static bool entry_has(struct span entry, const struct asked *q)
{
	struct span host, port = SPAN("");
	unsigned char ip[IP];
	int in_network = network_has(entry, q);

	if (in_network >= 0)
		return in_network;
	if (!split_port(entry, &host, &port)) {
		host = entry;
		port = SPAN("");
	}
	if (!host.n || (port.n && !span_is(port, q->port)))
		return false;
	if (parse_ip(host, ip))
		return q->has_ip && memcmp(ip, q->ip, IP) == 0;
	return !q->has_ip && domain_has(host, q->host);
}

/* Go's white space, as far as it is ASCII. */
static struct span trim_entry(struct span s)
{
	while (s.n && s.p[0] && strchr(" \t\n\v\f\r", s.p[0]))
		s = span_skip(s, 1);
	while (s.n && s.p[s.n - 1] && strchr(" \t\n\v\f\r", s.p[s.n - 1]))
		s.n--;
	return s;
}

int no_proxy_names(const char *list, const char *host, uint16_t port, struct err *e)
{
	struct asked q = { .host = span_of(host) };
	struct span rest = span_of(list), entry;
	bool more = true, named = false, foreign = false;

	q.has_ip = parse_ip(q.host, q.ip);
	text_fmt(q.port, sizeof q.port, "%u", port);
	if (strcmp(host, "localhost") == 0 || (q.has_ip && is_loopback(q.ip)))
		return 1;
	while (more && !named) {
		more = span_cut(&rest, ',', &entry);
		entry = trim_entry(entry);
		foreign |= !span_all(entry, char_is_ascii, "");
		named = span_is(entry, "*") || (entry.n && entry_has(entry, &q));
	}
	if (named || !foreign)
		return named;
	err_set(e, CODE_USAGE, "variable NO_PROXY (or no_proxy): an entry is not in ASCII");
	return err_hint(e, "write a name in other letters as xn--…, and look for blanks that only look like one");
}
