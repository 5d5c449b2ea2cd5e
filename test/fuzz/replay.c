/* replay.c - runs one fuzz target on each of the files that are named, and on every beginning of each. */

#include "fuzz.h"

static void run(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1); /* of this size, so that a read too far is seen */

	CHECK(copy);
	memcpy(copy, p, n);
	CHECK(LLVMFuzzerTestOneInput((const uint8_t *)copy, n) == 0);
	free(copy);
}

int main(int argc, char **argv)
{
	static char seed[1 << 16];

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t size;

		CHECK(f);
		size = fread(seed, 1, sizeof seed, f);
		CHECK(!ferror(f) && size < sizeof seed);
		fclose(f);
		printf("%s: %zu bytes\n", argv[i], size);
		fflush(stdout);
		for (size_t n = 0; n <= size; n++)
			run(seed, n);
	}
	return argc < 2;
}
