// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four vCPUs touch private memory while user space converts and punches it.
 *
 * Page n belongs to vCPU n % 4: every 2M range is everybody's, every page has
 * one writer, who knows what it wrote last.  There are four ranges, named
 * after what user space does to them:
 *
 *	CONVERTED	converts pages 4 ... 7, 12 ... 15 and so on, not the others
 *	PUNCHED		converts and punches the same pages
 *	ANYTHING (2x)	converts, punches and allocates at any page, of any size
 *
 * Worked example: vCPU 1 wrote 17 to page 9 of CONVERTED.  Page 12 is made
 * shared and private again, the mapping is split and promoted.  Page 9 must
 * still hold 17, as no one converted or punched it.  Page 13 belongs to vCPU
 * 1, too: it may hold the last value, an older one as private and shared
 * memory are two, or zero.  It never holds what was meant for another page.
 */
#include <stdlib.h>

#include "gmem_huge.h"
#include "kvm_syscalls.h"
#include "numaif.h"
#include "ucall_common.h"

#define NR_VCPUS	4
#define NR_RANGES	4
#define NR_PAGES	(NR_RANGES * GMEM_HUGE_NR_4K)
#define MIN_ROUNDS	200
#define RACE_SIZE	((u64)NR_RANGES * SZ_2M)
#define LAST_WORD	(PAGE_SIZE / sizeof(u64) - 1)

enum { CONVERTED, PUNCHED, ANYTHING };

/* Guest only. */
static u32 last[NR_PAGES];
static u32 guest_seed;
static bool guest_stop;

/* Host only. */
static struct gmem_huge race;
static bool host_stop;
static u64 nr_memory_faults, nr_converted, nr_punched, nr_allocated, nr_moved;

/* Pages that user space leaves alone come in groups of four. */
static bool is_left_alone(u64 page)
{
	return page / GMEM_HUGE_NR_4K < ANYTHING && !(page & 4);
}

static u64 *guest_page(u64 page)
{
	return (u64 *)gmem_huge_page(page);
}

static bool is_plausible(u64 page, u64 value)
{
	if (is_left_alone(page))
		return last[page] ? value == (page << 32 | last[page]) : !value;

	return !value || (value >> 32 == page && (u32)value <= last[page]);
}

static void guest_touch(u64 page)
{
	u64 *mem = guest_page(page);
	u64 first = READ_ONCE(mem[0]), end = READ_ONCE(mem[LAST_WORD]);

	__GUEST_ASSERT(is_plausible(page, first) && is_plausible(page, end),
		       "Page %lu should hold 0x%lx (or older if converted, 0 if punched), holds 0x%lx ... 0x%lx",
		       page, page << 32 | last[page], first, end);

	last[page]++;
	WRITE_ONCE(mem[0], page << 32 | last[page]);
	WRITE_ONCE(mem[LAST_WORD], page << 32 | last[page]);
}

/* No one converts or punches any more: what was written last is there. */
static void guest_check_last(u64 page)
{
	u64 *mem = guest_page(page), value = page << 32 | last[page];
	u64 first = READ_ONCE(mem[0]), end = READ_ONCE(mem[LAST_WORD]);

	__GUEST_ASSERT(first == value && end == value,
		       "Page %lu should hold 0x%lx, holds 0x%lx ... 0x%lx",
		       page, value, first, end);
}

static void guest_check_zero(u64 page)
{
	u64 *mem = guest_page(page), word;
	int i;

	for (i = 0; i <= LAST_WORD; i++) {
		word = READ_ONCE(mem[i]);
		__GUEST_ASSERT(!word, "Page %lu should be zero, holds 0x%lx at word %d",
			       page, word, i);
	}
}

static void guest_code(u64 id)
{
	u32 random = guest_seed + id;
	u64 page;

	while (!READ_ONCE(guest_stop)) {
		/* Any odd multiplier and addend will do for a sequence of 2^32. */
		random = random * 1664525 + 1013904223;
		guest_touch((random >> 16) % (NR_PAGES / NR_VCPUS) * NR_VCPUS + id);
	}

	for (page = id; page < NR_PAGES; page += NR_VCPUS)
		guest_touch(page);
	GUEST_SYNC(0);

	for (page = id; page < NR_PAGES; page += NR_VCPUS)
		guest_check_last(page);
	GUEST_SYNC(0);

	for (page = id; page < NR_PAGES; page += NR_VCPUS)
		guest_check_zero(page);
	GUEST_DONE();
}

/*
 * A fault that loses against a conversion exits, for user space to see if it
 * agrees with the guest.  It always does.
 */
static bool is_lost_race(struct kvm_vcpu *vcpu)
{
	return errno == EFAULT && vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT;
}

static void *run_vcpu(void *data)
{
	struct kvm_vcpu *vcpu = data;

	while (__vcpu_run(vcpu)) {
		TEST_ASSERT(errno == EINTR || is_lost_race(vcpu),
			    "KVM_RUN should go on, errno %d, exit reason %s", errno,
			    exit_reason_str(vcpu->run->exit_reason));
		__atomic_add_fetch(&nr_memory_faults, 1, __ATOMIC_RELAXED);
	}

	gmem_huge_get_ucall(vcpu);
	return NULL;
}

struct stretch {
	u64 page;
	u64 nr;
};

/* Anywhere in the upper ranges, or a whole one, or both. */
static struct stretch pick_anything(struct kvm_random_state *rng)
{
	const u64 start = ANYTHING * GMEM_HUGE_NR_4K;
	struct stretch s;

	switch (kvm_random_u32_in_range(rng, 0, 3)) {
	case 0:
		s.page = start + (kvm_random_bool(rng) ? GMEM_HUGE_NR_4K : 0);
		s.nr = GMEM_HUGE_NR_4K;
		break;
	case 1:
		s.page = start;
		s.nr = NR_PAGES - start;
		break;
	default:
		s.page = kvm_random_u32_in_range(rng, start, NR_PAGES - 1);
		s.nr = kvm_random_u32_in_range(rng, 1, NR_PAGES - s.page);
		break;
	}
	return s;
}

static struct stretch pick(struct kvm_random_state *rng, u64 first_range)
{
	u64 range = kvm_random_u32_in_range(rng, first_range, NR_RANGES - 1);
	u64 group = kvm_random_u32_in_range(rng, 0, GMEM_HUGE_NR_4K / 8 - 1);
	u64 skip = kvm_random_u32_in_range(rng, 0, 3);

	if (range >= ANYTHING)
		return pick_anything(rng);

	return (struct stretch) {
		.page = range * GMEM_HUGE_NR_4K + group * 8 + 4 + skip,
		.nr = kvm_random_u32_in_range(rng, 1, 4 - skip),
	};
}

/* Give the vCPUs time to meet what was done. */
static void pause_a_bit(struct kvm_random_state *rng)
{
	usleep(kvm_random_u32_in_range(rng, 0, 500));
}

static void *convert(void *data)
{
	struct kvm_random_state rng = new_kvm_random_state(kvm_random_seed + 1);
	struct stretch s;

	while (!READ_ONCE(host_stop)) {
		s = pick(&rng, CONVERTED);
		vm_mem_set_shared(race.vm, gmem_huge_page(s.page), s.nr * PAGE_SIZE);
		pause_a_bit(&rng);
		vm_mem_set_private(race.vm, gmem_huge_page(s.page), s.nr * PAGE_SIZE);
		pause_a_bit(&rng);
		nr_converted++;
	}
	return NULL;
}

static void *punch(void *data)
{
	struct kvm_random_state rng = new_kvm_random_state(kvm_random_seed + 2);
	struct stretch s;

	while (!READ_ONCE(host_stop)) {
		s = pick(&rng, PUNCHED);
		gmem_huge_punch(&race, s.page * PAGE_SIZE, s.nr * PAGE_SIZE);
		nr_punched++;
		pause_a_bit(&rng);

		if (!__kvm_random_bool(&rng, 10))
			continue;

		s = pick(&rng, PUNCHED);
		gmem_huge_fallocate(&race, s.page * PAGE_SIZE, s.nr * PAGE_SIZE);
		nr_allocated++;
	}
	return NULL;
}

/*
 * Move the process's memory from node to node: the guest's page tables, and what
 * is mapped where memory is shared.
 */
static void *move(void *data)
{
	struct kvm_random_state rng = new_kvm_random_state(kvm_random_seed + 3);
	const unsigned long nodes[] = { 1 << 0, 1 << 1 };
	int to = 0, r;

	while (!READ_ONCE(host_stop)) {
		/* Returns how many pages were busy and stay where they are. */
		r = migrate_pages(0, BITS_PER_LONG, &nodes[!to], &nodes[to]);
		TEST_ASSERT(r >= 0, __KVM_SYSCALL_ERROR("migrate_pages()", r));
		nr_moved++;
		to = !to;
		pause_a_bit(&rng);
	}
	return NULL;
}

static void start_vcpus(struct kvm_vcpu *vcpus[], pthread_t threads[])
{
	int i;

	for (i = 0; i < NR_VCPUS; i++)
		kvm_pthread_create(&threads[i], NULL, run_vcpu, vcpus[i]);
}

static void join(pthread_t threads[], int nr)
{
	while (nr--)
		kvm_pthread_join(threads[nr], NULL);
}

static void run_vcpus(struct kvm_vcpu *vcpus[])
{
	pthread_t threads[NR_VCPUS];

	start_vcpus(vcpus, threads);
	join(threads, NR_VCPUS);
}

static void run_race(struct kvm_vcpu *vcpus[], unsigned int seconds)
{
	pthread_t threads[NR_VCPUS], users[3];
	int nr_users = 2;

	start_vcpus(vcpus, threads);
	kvm_pthread_create(&users[0], NULL, convert, NULL);
	kvm_pthread_create(&users[1], NULL, punch, NULL);
	if (is_multi_numa_node_system())
		kvm_pthread_create(&users[nr_users++], NULL, move, NULL);

	sleep(seconds);
	/* Splits and promotions are claimed, so user space must have had its turn. */
	while (READ_ONCE(nr_converted) < MIN_ROUNDS || READ_ONCE(nr_punched) < MIN_ROUNDS)
		usleep(1000);

	/* Let user space end first: it leaves everything private behind. */
	WRITE_ONCE(host_stop, true);
	join(users, nr_users);
	write_guest_global(race.vm, guest_stop, true);
	join(threads, NR_VCPUS);
}

/*
 * All pages are private and touched.  What the kernel moves in user space by now, to
 * compact memory for one, is none of their business.
 */
static void check_counts(void)
{
	struct gmem_huge_stats s = gmem_huge_stats(&race);

	pr_info("%lu conversions, %lu punches, %lu allocations, %lu moves, %lu memory faults\n",
		nr_converted, nr_punched, nr_allocated, nr_moved, nr_memory_faults);
	pr_info("%lu splits, %lu promotions, then %lu x 2M, %lu x 4K\n",
		s.splits, s.promotions, s.pages_2m, s.pages_4k);

	TEST_ASSERT(s.pages_2m * GMEM_HUGE_NR_4K + s.pages_4k == NR_PAGES,
		    "Every page should be mapped once");
	TEST_ASSERT(s.pages_2m, "The range that was not punched should be mapped 2M");
	TEST_ASSERT(s.splits && s.promotions, "There should be splits and promotions");
}

static void create(struct kvm_vcpu *vcpus[])
{
	const struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SW_PROTECTED_VM,
	};
	int i;

	race.vm = __vm_create_with_vcpus(shape, NR_VCPUS, 0, guest_code, vcpus);
	race.vcpu = vcpus[0];
	for (i = 0; i < NR_VCPUS; i++)
		vcpu_args_set(vcpus[i], 1, (u64)i);

	gmem_huge_open(&race, RACE_SIZE, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	gmem_huge_add_private(&race, GMEM_HUGE_SLOT, 0, RACE_SIZE / PAGE_SIZE, 0);
	virt_map(race.vm, GMEM_HUGE_GPA, GMEM_HUGE_GPA, NR_PAGES);
	write_guest_global(race.vm, guest_seed, kvm_random_seed);
}

static void test_race(unsigned int seconds)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	u64 folios = gmem_huge_nr_folios();

	create(vcpus);
	run_race(vcpus, seconds);
	check_counts();
	/* Nothing changes any more: finds what went to a page that was gone. */
	run_vcpus(vcpus);

	gmem_huge_punch(&race, 0, RACE_SIZE);
	TEST_GMEM_MAPPED(&race, 0, 0, "Nothing should be mapped after the last punch");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);

	run_vcpus(vcpus);
	TEST_GMEM_MAPPED(&race, NR_RANGES, 0, "Every range should be mapped 2M again");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + NR_RANGES);

	gmem_huge_delete_slot(&race, GMEM_HUGE_SLOT, GMEM_HUGE_GPA);
	TEST_GMEM_MAPPED(&race, 0, 0, "Nothing should be mapped without memslot");
	gmem_huge_free(&race);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);
}

int main(int argc, char *argv[])
{
	const char *seconds = getenv("RACE_SECONDS") ?: "10";
	int opt;

	while ((opt = getopt(argc, argv, "s:h")) != -1) {
		switch (opt) {
		case 's':
			seconds = optarg;
			break;
		default:
			printf("usage: %s [-s seconds]\n", argv[0]);
			printf("RACE_SECONDS in the environment says the same.\n");
			exit(opt != 'h');
		}
	}

	gmem_huge_require();

	ksft_print_header();
	ksft_set_plan(1);
	test_race(atoi_positive("seconds", seconds));
	ksft_test_result_pass("race\n");
	ksft_finished();
}
