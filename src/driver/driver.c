#include "driver/driver.h"

#include <bearssl_hash.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct driver *driver_of(const struct plan_mount *spec, struct err *e)
{
	const struct driver *d = driver_find(spec->type);

	if (d)
		return d;
	err_set(e, CODE_MOUNT, "mount %s: this build has no %s driver", spec->target,
		spec->type == PLAN_NATIVE ? "native" : "such");
	err_hint(e, "use type 'rclone' or 'auto'");
	return NULL;
}

int driver_place(const struct plan_mount *spec, const struct s3_endpoint *site, struct s3_place *p, struct err *e)
{
	const struct driver *d = driver_of(spec, e);

	if (!d)
		return -1;
	*p = (struct s3_place){
		.site = *site,
		.bucket = spec->bucket,
		.prefix = spec->prefix,
		.requester_pays = d->requester_pays && d->requester_pays(spec),
	};
	return d->site ? d->site(spec, &p->site, e) : 0;
}

void driver_hash(char out[DRIVER_ID], const struct span *parts, size_t count)
{
	unsigned char digest[br_sha256_SIZE];
	struct buf hex = buf_over(out, DRIVER_ID);
	br_sha256_context c;

	br_sha256_init(&c);
	for (size_t i = 0; i < count; i++) {
		br_sha256_update(&c, parts[i].p, parts[i].n);
		br_sha256_update(&c, "", 1);
	}
	br_sha256_out(&c, digest);
	buf_hex(&hex, digest, 16);
}

void driver_identify(char id[DRIVER_ID], const char *endpoint, const struct plan_mount *spec, bool with_target)
{
	struct span who[] = { span_of(endpoint), span_of(spec->bucket), span_of(spec->prefix), span_of(spec->target) };

	driver_hash(id, who, with_target ? 4 : 3);
}

void driver_detach(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(d) && (fcntl(fd, F_GETFD) & FD_CLOEXEC))
			close(fd);
	}
	if (d)
		closedir(d);
}
