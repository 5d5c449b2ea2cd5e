#include "base/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS _LINUX_CAPABILITY_U32S_3

static int caps_call(long call, struct __user_cap_data_struct sets[WORDS])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(call, &head, sets);
}

bool caps_effective(int cap)
{
	struct __user_cap_data_struct sets[WORDS] = { 0 };

	return caps_call(SYS_capget, sets) == 0 && (sets[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap));
}

void caps_keep(uint64_t keep)
{
	struct __user_cap_data_struct sets[WORDS] = { 0 };

	for (int cap = 0; cap < 64; cap++)
		if (!(keep & CAPS_BIT(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (caps_call(SYS_capget, sets))
		return;
	for (int i = 0; i < WORDS; i++) {
		sets[i].permitted &= (uint32_t)(keep >> (32 * i));
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	caps_call(SYS_capset, sets);
}
