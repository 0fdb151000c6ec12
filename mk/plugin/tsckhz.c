/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Print the rate of this machine's time-stamp counter in kHz. The emulated host's counter is the machine's own; left to calibrate it
 * against emulated timers, its kernel is wrong by any factor when the machine is busy, and time in it runs fast or slow.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define TRIES	20

struct moment {
	uint64_t ticks;
	uint64_t ns;
};

/* Both clocks at once: of several readings, the one least disturbed. */
static struct moment now(void)
{
	struct moment best = { 0, 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		struct timespec time;
		uint64_t before = __rdtsc(), after;

		clock_gettime(CLOCK_MONOTONIC_RAW, &time);
		after = __rdtsc();
		if (after - before < least) {
			least = after - before;
			best.ticks = before + least / 2;
			best.ns = time.tv_sec * 1000000000ull + time.tv_nsec;
		}
	}
	return best;
}

int main(void)
{
	const struct timespec wait = { .tv_nsec = 200000000 };
	struct moment from = now(), to;

	nanosleep(&wait, NULL);
	to = now();
	printf("%llu\n", (unsigned long long)((to.ticks - from.ticks) * 1000000 / (to.ns - from.ns)));
	return 0;
}
