/*
 * rclone_fuzz.c - what rclone has written, or a stranger in its place: a cached file's metadata, and the answers of its remote control. What was
 * cut off is never taken for whole.
 */

#include "fuzz.h"

#include "rclone/meta.h"
#include "rclone/rc.h"

#define EVERY_CUT_MAX 400

/* What is marked as there stays so, and rclone can still read it. */
static void check_extended(struct span in, uint64_t size)
{
	struct buf out = buf_heap(1 << 20), again = buf_heap(1 << 20);

	if (meta_extend(&out, in, size)) {
		CHECK(!out.full && meta_whole(buf_all(&out)) && meta_dirty(buf_all(&out)) == meta_dirty(in));
		CHECK(!meta_extend(&again, buf_all(&out), size));
	}
	buf_free(&out);
	buf_free(&again);
}

static void check_meta(struct span in)
{
	size_t end = in.n;

	(void)meta_size(in);
	if (!meta_whole(in))
		return;
	CHECK(in.n > 2);
	for (uint64_t size = 1; size < 1 << 20; size *= 9)
		check_extended(in, size);
	while (in.p[end - 1] != '}')
		end--;
	for (size_t n = 0; n < end && end < EVERY_CUT_MAX; n++) {
		CHECK(!meta_whole((struct span){ in.p, n }));
		CHECK(meta_dirty((struct span){ in.p, n }));
	}
}

/* The metadata that we write ourselves, for data of any size and time. */
static void check_own(struct span in)
{
	struct stat st = { .st_size = 0 };
	struct buf out = buf_heap(4096);
	uint64_t numbers[3] = { 0 };

	memcpy(numbers, in.p, in.n < sizeof numbers ? in.n : sizeof numbers);
	st.st_size = (off_t)(numbers[0] >> 1);
	st.st_mtim = (struct timespec){ (time_t)numbers[1], (long)(numbers[2] % 1000000000) };
	meta_write(&out, &st);
	CHECK(!out.full && meta_whole(buf_all(&out)) && meta_dirty(buf_all(&out)));
	CHECK(meta_size(buf_all(&out)) == (uint64_t)st.st_size);
	buf_free(&out);
}

static void check_answers(struct span in)
{
	struct rclone_rc_stats s = { .uploads_queued = -7, .uploads_in_progress = -7, .errored_files = -7 };
	struct err e = { .code = CODE_OK };
	struct span list = in;
	unsigned long id;

	if (rclone_rc_parse_stats(in, &s, &e))
		CHECK(e.code == CODE_FAULT && s.uploads_queued == -7 && s.uploads_in_progress == -7 && s.errored_files == -7);
	else
		CHECK(s.uploads_queued >= 0 && s.uploads_in_progress >= 0 && s.errored_files >= 0);
	for (size_t n = list.n + 1; rclone_rc_next_waiting(&list, &id) == 1; n = list.n) {
		CHECK(fuzz_inside(list, in) && list.n < n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);

	check_meta(in);
	if (size)
		check_own(in);
	check_answers(in);
	return 0;
}
