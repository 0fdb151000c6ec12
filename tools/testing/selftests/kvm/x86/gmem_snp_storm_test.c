// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four vCPUs use private memory while processor and firmware refuse at random
 * what the host asks of them, as VM follows VM.
 *
 * Worked example: RMPUPDATE refuses to take page 510 back, which the host punched.
 *
 *	the page is lost	poisoned, counted, the RMP calls the guest its owner
 *	the guest touches it	it gets another one
 *
 * A refusal may cost the VM its life, when it leaves a page that the guest can't
 * use, but never the host's, and no page changes its content unless the host
 * punched it.  Once a VM is gone, pages that are lost are those that are counted.
 */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <time.h>

#include "gmem_snp.h"
#include "gmem_snp_host.h"

#define NR_VCPUS	4
#define NR_RANGES	4
#define CONVERTED_PAGE	511
#define PUNCHED_PAGE	510
/* A VM is replaced after that, should it live that long. */
#define LIFE_SECONDS	20
/* Two in so many refusals may end the VM. */
#define DEADLY		100

#define PAGE_RECLAIM_CMD	0xc7
#define PAGE_UNSMASH_CMD	0xc8
#define INVALID_PAGE_STATE	0x1a

#define KPF_HWPOISON	BIT_ULL(19)

struct worker {
	struct gmem_snp g;
	pthread_t thread;
	unsigned int seed;
	u64 rounds;
};

/* Of all pages, by /proc/kpageflags; not static: guests get what a program is. */
#define NR_FLAGS	(2 * SZ_4G / PAGE_SIZE)
static u64 *flags;
static u64 nr_flags;

static unsigned int seed;
static time_t life_ends;
static bool vm_is_dead;

static u64 tag_of(const struct worker *w)
{
	return w->g.cpu - w->g.cpus + 1;
}

static gva_t pick_page(struct worker *w)
{
	u64 range = rand_r(&w->seed) % NR_RANGES;
	u64 n = rand_r(&w->seed) % (PUNCHED_PAGE / NR_VCPUS);

	return gmem_snp_page(range * GMEM_SNP_NR_4K + n * NR_VCPUS + tag_of(w) - 1);
}

/* Whether the vCPU may try again: it is still at the access that was refused. */
static bool goes_on(int r)
{
	TEST_ASSERT(r == -EFAULT || r == -EIO, "KVM_RUN should say EFAULT or EIO, got %d", r);
	if (r == -EIO)
		WRITE_ONCE(vm_is_dead, true);
	return r == -EFAULT;
}

static bool use_page(struct worker *w, gva_t page)
{
	struct gmem_snp_op *op = w->g.cpu->op;
	int r;

	do {
		r = __gmem_snp_pvalidate(&w->g, page, PG_LEVEL_4K, true);
	} while (r && goes_on(r));
	if (r)
		return false;
	TEST_ASSERT(READ_ONCE(op->ret) == SNP_UNCHANGED, "Page 0x%lx was valid, got 0x%lx",
		    page, READ_ONCE(op->ret));

	do {
		r = __gmem_snp_check(&w->g, page, PAGE_SIZE, tag_of(w));
	} while (r && goes_on(r));
	if (r)
		return false;
	TEST_ASSERT(!READ_ONCE(op->ret), "Page 0x%lx should hold what it held", page);
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (time(NULL) < life_ends && use_page(w, pick_page(w)))
		w->rounds++;
	return NULL;
}

static void write_owned(struct worker *w)
{
	u64 range, n;

	for (range = 0; range < NR_RANGES; range++)
		for (n = tag_of(w) - 1; n < PUNCHED_PAGE; n += NR_VCPUS)
			gmem_snp_write(&w->g, gmem_snp_page(range * GMEM_SNP_NR_4K + n),
				       PAGE_SIZE, tag_of(w));
}

static void refuse(enum snp_inject_point point, u32 most, u32 command)
{
	snp_inject(point, (struct snp_inject) {
		.skip	= rand_r(&seed) % 50,
		.count	= 1 + rand_r(&seed) % most,
		.match	= command,
		.value	= INVALID_PAGE_STATE,
	});
}

static void refuse_something(void)
{
	u32 what = rand_r(&seed) % DEADLY;

	if (what == 0)
		refuse(SNP_INJECT_PSMASH_FAIL, 1, 0);
	else if (what == 1)
		refuse(SNP_INJECT_PSP_STATUS, 1, PAGE_RECLAIM_CMD);
	else if (what <= 25)
		refuse(SNP_INJECT_PSP_STATUS, 1, PAGE_UNSMASH_CMD);
	else if (what <= 50)
		refuse(SNP_INJECT_RMPUPDATE_OVERLAP, 100, 0);
	else if (what <= 75)
		refuse(SNP_INJECT_RMPUPDATE_INUSE, 1, 0);
	else
		refuse(SNP_INJECT_PSMASH_INUSE, 2000, 0);
}

static void convert(struct gmem_snp *g, u64 page, u64 attributes)
{
	struct kvm_memory_attributes attr = {
		.attributes	= attributes,
		.address	= gmem_snp_page(page),
		.size		= PAGE_SIZE,
	};
	int r = __vm_ioctl(g->vm, KVM_SET_MEMORY_ATTRIBUTES, &attr);

	TEST_ASSERT(!r || errno == EIO, "Only a dead VM should refuse attributes, errno %d", errno);
}

static void punch(struct gmem_snp *g, u64 page)
{
	TEST_ASSERT(!fallocate(g->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			       page * PAGE_SIZE, PAGE_SIZE),
		    "The hole should be punched, whatever becomes of the page");
}

/* The host's side of a VM's life. */
static void disturb(struct gmem_snp *g)
{
	u64 round, base;

	for (round = 0; time(NULL) < life_ends && !READ_ONCE(vm_is_dead); round++) {
		refuse_something();
		base = round % NR_RANGES * GMEM_SNP_NR_4K;
		convert(g, base + CONVERTED_PAGE, 0);
		usleep(2000);
		convert(g, base + CONVERTED_PAGE, KVM_MEMORY_ATTRIBUTE_PRIVATE);
		if (round % NR_RANGES == NR_RANGES - 1)
			punch(g, base + PUNCHED_PAGE);
		usleep(20000);
	}
}

static u64 live(struct gmem_snp *g)
{
	struct worker workers[NR_VCPUS];
	u64 rounds = 0;
	int i;

	WRITE_ONCE(vm_is_dead, false);
	gmem_snp_accept(g, gmem_snp_page(0), NR_RANGES * SZ_2M);
	for (i = 0; i < NR_VCPUS; i++) {
		workers[i] = (struct worker) { .g = *g, .seed = rand_r(&seed) };
		workers[i].g.cpu = &workers[i].g.cpus[i];
		write_owned(&workers[i]);
	}

	life_ends = time(NULL) + LIFE_SECONDS;
	for (i = 0; i < NR_VCPUS; i++)
		kvm_pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	disturb(g);
	for (i = 0; i < NR_VCPUS; i++) {
		kvm_pthread_join(workers[i].thread, NULL);
		rounds += workers[i].rounds;
	}
	return rounds;
}

static u64 counted(void)
{
	return gmem_snp_quarantined() + kvm_get_module_param_integer("snp_quarantine", "pages");
}

/* The flags of all pages, read anew: how many are poisoned. */
static u64 read_poisoned(void)
{
	int fd = open("/proc/kpageflags", O_RDONLY);
	ssize_t size = read(fd, flags, NR_FLAGS * sizeof(*flags));
	u64 pfn, poisoned = 0;

	TEST_ASSERT(size > 0, "/proc/kpageflags should be readable");
	close(fd);
	nr_flags = size / sizeof(*flags);
	for (pfn = 0; pfn < nr_flags; pfn++)
		poisoned += !!(flags[pfn] & KPF_HWPOISON);
	return poisoned;
}

/*
 * What is poisoned is counted, but for @others that failed before, and what the
 * RMP keeps is poisoned.
 */
static void claim_lost_is_counted(u64 others)
{
	u64 pfn, gpa, poisoned = read_poisoned() - others;

	TEST_ASSERT(poisoned == counted(), "%lu pages are poisoned, %lu are counted", poisoned,
		    counted());
	for (pfn = 0; (pfn = snp_rmp_next_owned(pfn, &gpa)) != SNP_NO_PFN; pfn++)
		TEST_ASSERT(pfn < nr_flags && flags[pfn] & KPF_HWPOISON,
			    "PFN 0x%lx is a guest's and not poisoned", pfn);
}

static void storm(int seconds)
{
	const struct gmem_snp_shape shape = {
		.size		= NR_RANGES * SZ_2M,
		.flags		= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.nr_vcpus	= NR_VCPUS,
	};
	u64 vms = 0, dead = 0, rounds = 0, others = read_poisoned() - counted();
	time_t end = time(NULL) + seconds;
	struct gmem_snp g;

	for (; time(NULL) < end; vms++, dead += vm_is_dead) {
		gmem_snp_create_shape(&g, &shape);
		rounds += live(&g);
		/* What is armed now hits the end of the VM. */
		gmem_snp_free(&g);
		snp_inject_nothing();
		claim_lost_is_counted(others);
	}
	printf("%lu VMs, %lu of them died, %lu rounds, %lu pages lost and counted\n", vms, dead,
	       rounds, counted());
}

int main(int argc, char *argv[])
{
	int seconds = 10, opt;

	seed = time(NULL);
	while ((opt = getopt(argc, argv, "s:S:")) != -1) {
		TEST_ASSERT(opt == 's' || opt == 'S', "Usage: %s [-s seconds] [-S seed]", argv[0]);
		if (opt == 's')
			seconds = atoi_positive("seconds", optarg);
		else
			seed = atoi_positive("seed", optarg);
	}
	gmem_snp_require();
	snp_host_require();
	printf("seed %u\n", seed);

	flags = calloc(NR_FLAGS, sizeof(*flags));
	TEST_ASSERT(flags, "There should be memory for the flags of all pages");
	gmem_snp_set_promote_ms(20);
	storm(seconds);
	gmem_snp_set_promote_ms(GMEM_SNP_PROMOTE_MS);
	return 0;
}
