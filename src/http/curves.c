#include "http/curves.h"

static const br_ec_impl *curve_impl(int curve)
{
	return curve == BR_EC_curve25519 ? &br_ec_c25519_i31 : &br_ec_prime_i31;
}

static const unsigned char *curve_generator(int curve, size_t *n)
{
	return curve_impl(curve)->generator(curve, n);
}

static const unsigned char *curve_order(int curve, size_t *n)
{
	return curve_impl(curve)->order(curve, n);
}

static size_t curve_x_offset(int curve, size_t *n)
{
	return curve_impl(curve)->xoff(curve, n);
}

static uint32_t curve_mul(unsigned char *point, size_t n, const unsigned char *x, size_t x_n, int curve)
{
	return curve_impl(curve)->mul(point, n, x, x_n, curve);
}

static size_t curve_mulgen(unsigned char *point, const unsigned char *x, size_t x_n, int curve)
{
	return curve_impl(curve)->mulgen(point, x, x_n, curve);
}

/* Used for signatures only, which never are on X25519. */
static uint32_t curve_muladd(unsigned char *a, const unsigned char *b, size_t n, const unsigned char *x, size_t x_n,
	const unsigned char *y, size_t y_n, int curve)
{
	return br_ec_prime_i31.muladd(a, b, n, x, x_n, y, y_n, curve);
}

const br_ec_impl curves_all = {
	1U << BR_EC_secp256r1 | 1U << BR_EC_secp384r1 | 1U << BR_EC_secp521r1 | 1U << BR_EC_curve25519,
	curve_generator,
	curve_order,
	curve_x_offset,
	curve_mul,
	curve_mulgen,
	curve_muladd,
};
