#include "driver/rclone.h"

const struct driver *const drivers[] = { &driver_rclone, NULL };

const struct driver *driver_find(enum plan_type type)
{
	if (type == PLAN_AUTO)
		return &driver_rclone;
	for (const struct driver *const *d = drivers; *d; d++)
		if ((*d)->type == type)
			return *d;
	return NULL;
}
