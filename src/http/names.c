#include "http/names.h"

#include "base/chars.h"
#include "http/der.h"

#include <strings.h>

static bool span_eq_nocase(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* Visible ASCII in labels that are not empty; the empty name is valid too. A constraint may begin with a dot. */
static bool domain_is_valid(struct span s, bool constraint)
{
	if (constraint && s.n && s.p[0] == '.' && s.n > 1)
		s = span_skip(s, 1);
	for (size_t i = 0; i < s.n; i++)
		if (!char_is_visible(s.p[i]) || (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i - 1] == '.')))
			return false;
	return true;
}

static bool is_host_char(char c, bool first)
{
	return char_is_alnum(c) || c == '_' || (c == '-' && !first);
}

/* Can it be compared label by label? A pattern may have a star as its first label. */
static bool is_host(struct span s, bool pattern)
{
	size_t begin = 0; /* of the label */

	if (pattern && s.n > 1 && s.p[0] == '*' && s.p[1] == '.')
		s = span_skip(s, 2);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && i > begin)
			begin = i + 1;
		else if (!is_host_char(s.p[i], i == begin))
			return false;
	}
	return s.n > begin;
}

/* Only plain ones are accepted: Go's URL parser refuses some URIs, but none of these. */
static bool is_plain_uri(struct span s)
{
	struct span scheme, host;

	if (!span_cut(&s, ':', &scheme) || !scheme.n || !span_starts(s, SPAN("//")))
		return false;
	if (!span_all(scheme, char_is_letter, ""))
		return false;
	s = span_skip(s, 2);
	span_cut(&s, '/', &host);
	for (size_t i = 0; i < s.n; i++)
		if (!is_host_char(s.p[i], false) && s.p[i] != '/' && s.p[i] != '.')
			return false;
	return is_host(host, false);
}

bool names_parse(struct span list, unsigned *known)
{
	struct span one;
	unsigned tag;

	for (*known = 0; list.n;) {
		if (!der_take_any(&list, &tag, &one))
			return false;
		if (tag != NAMES_DNS && tag != NAMES_IP && tag != NAMES_MAIL && tag != NAMES_URI)
			continue;
		++*known;
		if (tag == NAMES_IP ? one.n != 4 && one.n != 16 :
				      !span_all(one, char_is_ascii, "") || (tag == NAMES_URI && !is_plain_uri(one)))
			return false;
	}
	return true;
}

/* All ones, then all zeros. */
static bool is_mask(struct span s)
{
	bool ended = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], rest = (unsigned char)~c;

		if ((ended && c) || (rest & (rest + 1)))
			return false;
		ended = ended || rest;
	}
	return true;
}

/* A domain, or NAME@DOMAIN in its plainest form. */
static bool is_mail_subtree(struct span s)
{
	struct span name;

	if (!span_cut(&s, '@', &name))
		return domain_is_valid(name, true);
	return is_host(name, false) && s.n && domain_is_valid(s, false);
}

/* An address is not a domain, and what looks like one is not accepted. */
static bool is_uri_subtree(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '.' && !char_is_digit(s.p[i]))
			return !memchr(s.p, ':', s.n) && domain_is_valid(s, true);
	return !s.n;
}

static bool is_subtree(unsigned tag, struct span base, bool *unknown)
{
	switch (tag) {
	case NAMES_DNS:
		return domain_is_valid(base, true);
	case NAMES_IP:
		return (base.n == 8 || base.n == 32) && is_mask(span_skip(base, base.n / 2));
	case NAMES_MAIL:
		return is_mail_subtree(base);
	case NAMES_URI:
		return is_uri_subtree(base);
	default:
		*unknown = true;
		return true;
	}
}

bool names_parse_subtrees(struct span list, bool *unknown)
{
	struct span one, base;
	unsigned tag;

	while (list.n)
		if (!der_sequence(&list, &one) || !der_take_any(&one, &tag, &base) || !is_subtree(tag, base, unknown))
			return false;
	return true;
}

/* The next name of TAG in *LIST. */
static bool next_name(struct span *list, unsigned tag, struct span *name)
{
	unsigned found;

	while (der_take_any(list, &found, name))
		if (found == tag)
			return true;
	return false;
}

/* What follows the first label, with its leading dot; empty when there is only one label. */
static struct span after_first_label(struct span s)
{
	const char *dot = s.n ? memchr(s.p, '.', s.n) : NULL;

	return dot ? span_skip(s, (size_t)(dot - s.p)) : (struct span){ s.p, 0 };
}

bool names_have_host(struct span list, struct span host)
{
	struct span bare = host, name;

	if (host.n && host.p[host.n - 1] == '.')
		bare.n--;
	while (next_name(&list, NAMES_DNS, &name)) {
		bool by_label = is_host(bare, false) && is_host(name, true);

		if (name.n && !span_is(name, ".") && span_eq_nocase(name, by_label ? bare : host))
			return true;
		if (by_label && name.p[0] == '*' && span_eq_nocase(span_skip(name, 1), after_first_label(bare)))
			return true;
	}
	return false;
}

/* An IPv4 address may be written as an IPv6 one. */
static struct span unmapped_ip(struct span ip)
{
	return ip.n == 16 && span_starts(ip, SPAN("\0\0\0\0\0\0\0\0\0\0\xff\xff")) ? span_skip(ip, 12) : ip;
}

bool names_have_ip(struct span list, struct span ip)
{
	struct span name;

	while (next_name(&list, NAMES_IP, &name))
		if (span_eq(unmapped_ip(name), unmapped_ip(ip)))
			return true;
	return false;
}

struct span names_first(struct span list)
{
	struct span name;

	return next_name(&list, NAMES_DNS, &name) ? name : (struct span){ "", 0 };
}

/* Is it DOMAIN itself or below it; or, if DOMAIN begins with a dot, below it? */
static bool is_in_domain(struct span name, struct span domain)
{
	struct span tail;

	if (!domain.n)
		return true;
	if (domain.n > name.n)
		return false;
	tail = span_skip(name, name.n - domain.n);
	return span_eq_nocase(tail, domain) && (domain.p[0] == '.' || tail.p == name.p || tail.p[-1] == '.');
}

/* "*.b" may be a.b: an exclusion of that excludes this too. */
static bool wildcard_may_match(struct span name, struct span domain)
{
	struct span rest = after_first_label(domain);

	return name.n && name.p[0] == '*' && rest.n && span_eq_nocase(after_first_label(name), rest);
}

static bool is_in_net(struct span ip, struct span net)
{
	if (net.n != 2 * ip.n)
		return false;
	for (size_t i = 0; i < ip.n; i++)
		if ((ip.p[i] ^ net.p[i]) & net.p[ip.n + i])
			return false;
	return true;
}

/* Go has its own ways with a net that has bits outside its mask: here it permits nothing. */
static bool is_plain_net(struct span net)
{
	for (size_t i = 0; i < net.n / 2; i++)
		if (net.p[i] & ~net.p[net.n / 2 + i])
			return false;
	return true;
}

static bool is_permitted_by(unsigned tag, struct span name, struct span base)
{
	return tag == NAMES_IP ? is_plain_net(base) && is_in_net(name, base) : is_in_domain(name, base);
}

static bool is_excluded_by(unsigned tag, struct span name, struct span base)
{
	return tag == NAMES_IP ? is_in_net(name, base) : is_in_domain(name, base) || wildcard_may_match(name, base);
}

/* The next subtree of TAG in *LIST. */
static bool next_subtree(struct span *list, unsigned tag, struct span *base)
{
	struct span one;
	unsigned found;

	while (der_sequence(list, &one))
		if (der_take_any(&one, &found, base) && found == tag)
			return true;
	return false;
}

static bool is_name_permitted(unsigned tag, struct span name, struct span permitted, struct span excluded)
{
	bool limited = false, inside = false;
	struct span base;

	while (next_subtree(&permitted, tag, &base)) {
		limited = true;
		inside = inside || is_permitted_by(tag, name, base);
	}
	while (next_subtree(&excluded, tag, &base))
		if (is_excluded_by(tag, name, base))
			return false;
	return inside || !limited;
}

static size_t count_elements(struct span list)
{
	struct span one;
	unsigned tag;
	size_t n = 0;

	while (der_take_any(&list, &tag, &one))
		n++;
	return n;
}

bool names_permitted(struct span list, struct span permitted, struct span excluded)
{
	struct span name;
	unsigned tag;

	if (count_elements(list) * (count_elements(permitted) + count_elements(excluded)) > NAMES_COMPARISONS)
		return false;
	while (der_take_any(&list, &tag, &name)) {
		if (tag == NAMES_MAIL || tag == NAMES_URI || (tag == NAMES_DNS && !domain_is_valid(name, false)))
			return false;
		if ((tag == NAMES_DNS || tag == NAMES_IP) && !is_name_permitted(tag, name, permitted, excluded))
			return false;
	}
	return true;
}
