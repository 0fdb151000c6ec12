// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of how attributes of guest memory are stored: one entry for 2M,
 * and never an attribute changed that was not to be.
 */
#include <kunit/test.h>

#include "../mem_attrs.c"

#define LARGE	MEM_ATTRS_LARGE
/* Three large ranges are tested, in the middle of five. */
#define FIRST	(4 * LARGE)
#define NR	(3 * LARGE)

#define PRIVATE	xa_mk_value(8)

static int attrs_init(struct kunit *test)
{
	struct xarray *attrs = kunit_kzalloc(test, sizeof(*attrs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, attrs);
	xa_init_flags(attrs, XA_FLAGS_ACCOUNT);
	test->priv = attrs;
	return 0;
}

static void attrs_exit(struct kunit *test)
{
	xa_destroy(test->priv);
}

/* All of 0x200 to 0x3ff is one entry, a page less on either side is not. */
static void test_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mem_attrs_order(0x200, 0x400), MEM_ATTRS_LARGE_ORDER);
	KUNIT_EXPECT_EQ(test, mem_attrs_order(0x200, 0x7f0), MEM_ATTRS_LARGE_ORDER);
	KUNIT_EXPECT_EQ(test, mem_attrs_order(0x200, 0x3ff), 0);
	KUNIT_EXPECT_EQ(test, mem_attrs_order(0x201, 0x400), 0);
	KUNIT_EXPECT_EQ(test, mem_attrs_order(0x201, 0x800), 0);
}

/* Between two large entries there is nothing to cut, nor in one of 4K. */
static void test_cuts(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, mem_attrs_cuts(0x200, 9));
	KUNIT_EXPECT_TRUE(test, mem_attrs_cuts(0x201, 9));
	KUNIT_EXPECT_TRUE(test, mem_attrs_cuts(0x3ff, 9));
	KUNIT_EXPECT_FALSE(test, mem_attrs_cuts(0x201, 0));
}

static void set(struct kunit *test, gfn_t start, gfn_t end, void *entry)
{
	KUNIT_ASSERT_EQ(test, kvm_mem_attrs_prepare(test->priv, start, end, entry), 0);
	KUNIT_ASSERT_EQ(test, kvm_mem_attrs_store(test->priv, start, end, entry), 0);
}

/* Claim that [start, end) and nothing else around it is @inside. */
static void claim(struct kunit *test, gfn_t start, gfn_t end, void *inside, void *outside)
{
	gfn_t gfn;

	for (gfn = FIRST; gfn < FIRST + NR; gfn++) {
		bool in = gfn >= start && gfn < end;

		KUNIT_ASSERT_PTR_EQ_MSG(test, xa_load(test->priv, gfn), in ? inside : outside,
					"gfn 0x%llx of [0x%llx, 0x%llx)", gfn, start, end);
	}
	KUNIT_EXPECT_NULL(test, xa_load(test->priv, FIRST - 1));
	KUNIT_EXPECT_NULL(test, xa_load(test->priv, FIRST + NR));
}

static unsigned int order_at(struct kunit *test, gfn_t gfn)
{
	return xa_get_order(test->priv, gfn);
}

static const struct { gfn_t start, end; } cuts[] = {
	/* Begin, middle and end of the middle range, one page. */
	{ LARGE,		LARGE + 1 },
	{ LARGE + 7,		LARGE + 8 },
	{ 2 * LARGE - 1,	2 * LARGE },
	/* Across one boundary, and across two with a whole range between. */
	{ LARGE - 1,		LARGE + 1 },
	{ 1,			3 * LARGE - 1 },
	/* Up to and from a boundary. */
	{ LARGE,		2 * LARGE },
	{ LARGE / 2,		LARGE },
	{ LARGE,		LARGE + LARGE / 2 },
	{ 0,			3 * LARGE },
};

/* Take from all that is private a part, and give it back. */
static void test_partial_overwrite(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		gfn_t start = FIRST + cuts[i].start, end = FIRST + cuts[i].end;

		set(test, FIRST, FIRST + NR, PRIVATE);
		KUNIT_EXPECT_EQ(test, order_at(test, FIRST + LARGE), MEM_ATTRS_LARGE_ORDER);
		claim(test, FIRST, FIRST + NR, PRIVATE, NULL);

		set(test, start, end, NULL);
		claim(test, start, end, NULL, PRIVATE);

		set(test, start, end, PRIVATE);
		claim(test, FIRST, FIRST + NR, PRIVATE, NULL);

		set(test, FIRST, FIRST + NR, NULL);
		claim(test, FIRST, FIRST + NR, NULL, NULL);
		KUNIT_EXPECT_TRUE(test, xa_empty(test->priv));
	}
}

/* The same parts the other way round: nothing is private but they. */
static void test_partial_store(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		gfn_t start = FIRST + cuts[i].start, end = FIRST + cuts[i].end;

		set(test, start, end, PRIVATE);
		claim(test, start, end, PRIVATE, NULL);
		set(test, FIRST, FIRST + NR, NULL);
		KUNIT_EXPECT_TRUE(test, xa_empty(test->priv));
	}
}

/* Reserved entries are no attributes, and a failure may leave them behind. */
static void test_prepare_changes_nothing(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kvm_mem_attrs_prepare(test->priv, FIRST, FIRST + NR, true), 0);
	claim(test, FIRST, FIRST + NR, NULL, NULL);

	set(test, FIRST, FIRST + NR, PRIVATE);
	KUNIT_ASSERT_EQ(test, kvm_mem_attrs_prepare(test->priv, FIRST + 1, FIRST + 2, false), 0);
	KUNIT_EXPECT_EQ(test, order_at(test, FIRST), 0);
	claim(test, FIRST, FIRST + NR, PRIVATE, NULL);
}

/* Walk from the middle of a large entry over it, and over one of 4K. */
static void test_skip(struct kunit *test)
{
	XA_STATE(xas, test->priv, FIRST + 7);

	set(test, FIRST, FIRST + LARGE + 1, PRIVATE);
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, xas_next(&xas), PRIVATE);
	KUNIT_EXPECT_EQ(test, mem_attrs_skip(&xas, FIRST + 7), FIRST + LARGE - 1);
	KUNIT_EXPECT_PTR_EQ(test, xas_next(&xas), PRIVATE);
	KUNIT_EXPECT_EQ(test, xas.xa_index, FIRST + LARGE);
	KUNIT_EXPECT_EQ(test, mem_attrs_skip(&xas, FIRST + LARGE), FIRST + LARGE);
	KUNIT_EXPECT_NULL(test, xas_next(&xas));
	rcu_read_unlock();
}

static struct kunit_case mem_attrs_cases[] = {
	KUNIT_CASE(test_order),
	KUNIT_CASE(test_cuts),
	KUNIT_CASE(test_partial_overwrite),
	KUNIT_CASE(test_partial_store),
	KUNIT_CASE(test_prepare_changes_nothing),
	KUNIT_CASE(test_skip),
	{}
};

static struct kunit_suite mem_attrs_suite = {
	.name = "kvm_mem_attrs",
	.init = attrs_init,
	.exit = attrs_exit,
	.test_cases = mem_attrs_cases,
};

kunit_test_suite(mem_attrs_suite);
