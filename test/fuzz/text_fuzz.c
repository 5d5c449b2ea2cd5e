/*
 * text_fuzz.c - our formatting against the C library's. Input: the size of the result, a format's number, width,
 * precision, a number, a string.
 */

#include "fuzz.h"

#include "base/text.h"

#define SAME(...)                                                      \
	do {                                                           \
		ours = text_fmt(a, room, __VA_ARGS__);                 \
		CHECK(ours == (size_t)snprintf(b, room, __VA_ARGS__)); \
		CHECK(room == 0 || strcmp(a, b) == 0);                 \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	size_t room = fuzz_byte(&in), ours;
	unsigned how = fuzz_byte(&in);
	int width = (int)fuzz_byte(&in), precision = (int)fuzz_byte(&in);
	char *a = malloc(room + 1), *b = malloc(room + 1), *s;
	long long n = 0;

	CHECK(a && b);
	for (int i = 0; i < 8; i++)
		n = (long long)((unsigned long long)n << 8 | fuzz_byte(&in));
	s = fuzz_text(&in, 0);
	switch (how % 8) {
	case 0:
		SAME("%s|%-*s|%*s|%%", s, width, s, width, s);
		break;
	case 1:
		SAME("%.*s|%*.*s|%.3s", precision, s, width, precision, s, s);
		break;
	case 2:
		SAME("%d|%i|%5d|%-5d|%05d", (int)n, (int)n, (int)n, (int)n, (int)n);
		break;
	case 3:
		SAME("%u|%x|%X|%o|%08x", (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n, (unsigned)n);
		break;
	case 4:
		SAME("%ld|%lu|%lx|%020ld", (long)n, (unsigned long)n, (unsigned long)n, (long)n);
		break;
	case 5:
		SAME("%lld|%llu|%llX|%*lld", n, (unsigned long long)n, (unsigned long long)n, width, n);
		break;
	case 6:
		SAME("%zu|%0*d|%-*d|", (size_t)n, width, (int)n, width, (int)n);
		break;
	default:
		SAME("%c|%3c|%-3c|", (int)(n & 0x7f) + 1, 'x', 'y');
		break;
	}
	free(a);
	free(b);
	free(s);
	return 0;
}
