#include "unsent/pending.h"

#include "base/text.h"

void pending_name(char out[PENDING_NAME], struct span path)
{
	const char *cut = "";

	if (path.n >= PENDING_NAME) {
		path = span_skip(path, path.n - (PENDING_NAME - sizeof "…"));
		while (path.n && ((unsigned char)*path.p & 0xc0) == 0x80)
			path = span_skip(path, 1);
		cut = "…";
	}
	text_fmt(out, PENDING_NAME, "%s%.*s", cut, (int)path.n, path.n ? path.p : "");
}

void pending_add(struct pending *p, struct span path, uint64_t size)
{
	p->files++;
	p->bytes += size;
	if (p->named < PENDING_NAMES)
		pending_name(p->names[p->named++], path);
}
