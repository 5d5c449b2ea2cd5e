#include "http/curves.h"

static const br_ec_impl *code_of(int curve)
{
	return curve == BR_EC_curve25519 ? &br_ec_c25519_i31 : &br_ec_prime_i31;
}

static const unsigned char *generator(int curve, size_t *n)
{
	return code_of(curve)->generator(curve, n);
}

static const unsigned char *order(int curve, size_t *n)
{
	return code_of(curve)->order(curve, n);
}

static size_t x_offset(int curve, size_t *n)
{
	return code_of(curve)->xoff(curve, n);
}

static uint32_t mul(unsigned char *point, size_t n, const unsigned char *x, size_t x_n, int curve)
{
	return code_of(curve)->mul(point, n, x, x_n, curve);
}

static size_t mulgen(unsigned char *point, const unsigned char *x, size_t x_n, int curve)
{
	return code_of(curve)->mulgen(point, x, x_n, curve);
}

/* Of signatures alone, which are never on X25519. */
static uint32_t muladd(unsigned char *a, const unsigned char *b, size_t n, const unsigned char *x, size_t x_n,
	const unsigned char *y, size_t y_n, int curve)
{
	return br_ec_prime_i31.muladd(a, b, n, x, x_n, y, y_n, curve);
}

const br_ec_impl curves_all = {
	1U << BR_EC_secp256r1 | 1U << BR_EC_secp384r1 | 1U << BR_EC_secp521r1 | 1U << BR_EC_curve25519,
	generator,
	order,
	x_offset,
	mul,
	mulgen,
	muladd,
};
