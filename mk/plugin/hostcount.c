/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Count the instructions that the emulated host's kernel executes, in windows that user space marks.
 *
 * What counts: every instruction at a kernel address, on every processor, ticks and idle loops included. A guest's code does not: what
 * a processor executes from VMRUN to the instruction behind it is taken off TOTAL. From the other sums it is not; guests at low addresses,
 * which is where the KVM selftests' run, are in none. An instruction that faults counts each time it is tried.
 * A repeated string instruction counts once, and once more for every 65,536 iterations, where TCG leaves it to look for interrupts;
 * that is close to what a processor's counter of retired instructions says.
 *
 * A window's edge is a no-operation with a magic displacement, NOPL (MARKER | id)(%rax), executed in user space. On each, one line with
 * the sums so far is written: "marker ID TOTAL CLEAR FLUSH RMPUPDATE PSMASH". All are parts of TOTAL: CLEAR and FLUSH are instructions in
 * the address ranges given as clear= and flush=, and for CLEAR the REP STOS instructions, because page clearing is expanded in line;
 * the last two are those instructions.
 *
 * Arguments: out=FILE, and any number of clear=LOW-HIGH and flush=LOW-HIGH (hexadecimal, HIGH excluded).
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define KERNEL_SPACE	0xffff800000000000ull
#define MARKER		0x6b760000u
#define MARKER_MASK	0xffff0000u
#define MAX_RANGES	64
/* KVM has two: one for guests with an encrypted state. */
#define MAX_VMRUNS	8

enum { TOTAL, CLEAR, FLUSH, RMPUPDATE, PSMASH, NR_COUNTS };

typedef struct {
	uint64_t of[NR_COUNTS];
	uint64_t guest;		/* of TOTAL, what was the guest's */
	uint64_t entered;	/* TOTAL at the last VMRUN */
	uint64_t inside;
} Counts;

typedef struct {
	uint64_t low;
	uint64_t high;
} Range;

typedef struct {
	Range at[MAX_RANGES];
	int count;
} Ranges;

static struct qemu_plugin_scoreboard *board;
static qemu_plugin_u64 counters[NR_COUNTS], guest;
static Ranges clear_ranges, flush_ranges;
static uint64_t after_vmrun[MAX_VMRUNS];
static int nr_vmruns;
static FILE *out;
static GMutex out_lock;

static bool in_ranges(const Ranges *ranges, uint64_t address)
{
	for (int i = 0; i < ranges->count; i++) {
		if (address >= ranges->at[i].low && address < ranges->at[i].high)
			return true;
	}
	return false;
}

/* F3 or F2, then an optional REX, then STOSB or STOSW/D/Q. */
static bool is_rep_stos(const uint8_t *code, size_t size)
{
	size_t at = 1;

	if (size < 2 || (code[0] != 0xf3 && code[0] != 0xf2))
		return false;
	if ((code[at] & 0xf0) == 0x40)
		at++;
	return at < size && (code[at] == 0xaa || code[at] == 0xab);
}

/* F2 0F 01 FE and F3 0F 01 FF. */
static bool is_rmpupdate(const uint8_t *code, size_t size)
{
	return size == 4 && !memcmp(code, "\xf2\x0f\x01\xfe", 4);
}

static bool is_psmash(const uint8_t *code, size_t size)
{
	return size == 4 && !memcmp(code, "\xf3\x0f\x01\xff", 4);
}

/* 0F 01 D8. */
static bool is_vmrun(const uint8_t *code, size_t size)
{
	return size == 3 && !memcmp(code, "\x0f\x01\xd8", 3);
}

static bool is_after_vmrun(uint64_t address)
{
	for (int i = 0; i < g_atomic_int_get(&nr_vmruns); i++) {
		if (after_vmrun[i] == address)
			return true;
	}
	return false;
}

/* A processor translates VMRUN before it gets to what is behind it, which is known then. */
static void note_vmrun(uint64_t after)
{
	g_mutex_lock(&out_lock);
	if (!is_after_vmrun(after) && nr_vmruns < MAX_VMRUNS) {
		after_vmrun[nr_vmruns] = after;
		g_atomic_int_set(&nr_vmruns, nr_vmruns + 1);
	}
	g_mutex_unlock(&out_lock);
}

static void on_vmrun(unsigned int vcpu, void *data)
{
	Counts *counts = qemu_plugin_scoreboard_find(board, vcpu);

	counts->entered = counts->of[TOTAL];
	counts->inside = 1;
}

static void on_vmexit(unsigned int vcpu, void *data)
{
	Counts *counts = qemu_plugin_scoreboard_find(board, vcpu);

	if (counts->inside)
		counts->guest += counts->of[TOTAL] - counts->entered;
	counts->inside = 0;
}

/* 0F 1F 80 disp32: NOPL disp32(%rax). */
static bool is_marker(const uint8_t *code, size_t size, uint32_t *id)
{
	uint32_t word;

	if (size != 7 || code[0] != 0x0f || code[1] != 0x1f || code[2] != 0x80)
		return false;
	memcpy(&word, code + 3, sizeof(word));
	*id = word & ~MARKER_MASK;
	return (word & MARKER_MASK) == MARKER;
}

static void on_marker(unsigned int vcpu, void *data)
{
	g_mutex_lock(&out_lock);
	fprintf(out, "marker %u", GPOINTER_TO_UINT(data));
	for (int i = 0; i < NR_COUNTS; i++)
		fprintf(out, " %" PRIu64, qemu_plugin_u64_sum(counters[i]) - (i == TOTAL ? qemu_plugin_u64_sum(guest) : 0));
	fputc('\n', out);
	fflush(out);
	g_mutex_unlock(&out_lock);
}

static void add_one(struct qemu_plugin_insn *insn, int counter)
{
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, counters[counter], 1);
}

static void on_insn(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);
	uint8_t code[16];
	size_t size = qemu_plugin_insn_data(insn, code, sizeof(code));
	uint32_t id;

	if (address < KERNEL_SPACE) {
		if (is_marker(code, size, &id))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
							       GUINT_TO_POINTER(id));
		return;
	}
	if (is_after_vmrun(address))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmexit, QEMU_PLUGIN_CB_NO_REGS, NULL);
	if (is_vmrun(code, size)) {
		note_vmrun(address + size);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmrun, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
	add_one(insn, TOTAL);
	if (in_ranges(&clear_ranges, address) || is_rep_stos(code, size))
		add_one(insn, CLEAR);
	else if (in_ranges(&flush_ranges, address))
		add_one(insn, FLUSH);
	else if (is_rmpupdate(code, size))
		add_one(insn, RMPUPDATE);
	else if (is_psmash(code, size))
		add_one(insn, PSMASH);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		on_insn(qemu_plugin_tb_get_insn(tb, i));
}

static bool add_range(Ranges *ranges, const char *text)
{
	Range *range = &ranges->at[ranges->count];
	char *end;

	if (ranges->count == MAX_RANGES)
		return false;
	range->low = strtoull(text, &end, 16);
	if (*end != '-')
		return false;
	range->high = strtoull(end + 1, &end, 16);
	ranges->count++;
	return *end == '\0' && range->low < range->high;
}

static bool take_argument(const char *argument)
{
	if (g_str_has_prefix(argument, "out="))
		return (out = fopen(argument + strlen("out="), "w")) != NULL;
	if (g_str_has_prefix(argument, "clear="))
		return add_range(&clear_ranges, argument + strlen("clear="));
	if (g_str_has_prefix(argument, "flush="))
		return add_range(&flush_ranges, argument + strlen("flush="));
	return false;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!take_argument(argv[i])) {
			fprintf(stderr, "hostcount: cannot use argument %s; see the top of hostcount.c\n", argv[i]);
			return -1;
		}
	}
	if (!out) {
		fprintf(stderr, "hostcount: out=FILE is missing\n");
		return -1;
	}
	board = qemu_plugin_scoreboard_new(sizeof(Counts));
	for (int i = 0; i < NR_COUNTS; i++)
		counters[i] = (qemu_plugin_u64){ .score = board, .offset = offsetof(Counts, of) + i * sizeof(uint64_t) };
	guest = (qemu_plugin_u64){ .score = board, .offset = offsetof(Counts, guest) };
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
