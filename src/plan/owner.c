#include "plan/plan.h"

#include "base/file.h"

#include <limits.h>
#include <unistd.h>

#define PASSWD "/etc/passwd"

/* NAME's uid and gid in TEXT, the content of passwd(5): "name:password:uid:gid:…". */
static bool find_passwd_user(struct span text, const char *name, unsigned long *uid, unsigned long *gid)
{
	struct span line, field[4];
	bool more = true;

	while (more) {
		more = span_cut(&text, '\n', &line);
		for (size_t i = 0; i < 4; i++)
			span_cut(&line, ':', &field[i]);
		if (span_is(field[0], name))
			return span_number(field[2], UINT_MAX - 1, uid) && span_number(field[3], UINT_MAX - 1, gid);
	}
	return false;
}

void plan_default_owner(long *uid, long *gid)
{
	struct buf b = buf_heap(PLAN_FILE_MAX);
	unsigned long u, g;
	struct err e;

	*uid = (long)geteuid();
	*gid = (long)getegid();
	if (file_read(PASSWD, &b, &e) == 0 && find_passwd_user(buf_all(&b), "user", &u, &g)) {
		*uid = (long)u;
		*gid = (long)g;
	}
	buf_free(&b);
}
