#include "sup/sup.h"

#include "base/log.h"

#include <poll.h>

void sup_read_table(struct sup *s)
{
	struct err e;

	if (s->table_known)
		mnt_table_free(&s->table);
	s->table_known = mnt_table_read(&s->table, &e) == 0;
	s->table_changed = true;
	if (!s->table_known)
		log_line("%s", e.text);
}

/* Asks the kernel each time: what is said to be gone must be gone now, not when the table was read last. */
const struct mnt_table *sup_table(struct sup *s)
{
	struct pollfd p = { .fd = s->table_fd, .events = POLLPRI };

	if (poll(&p, 1, 0) > 0 || !s->table_known)
		sup_read_table(s);
	return s->table_known ? &s->table : NULL;
}
