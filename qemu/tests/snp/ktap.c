/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results, one KTAP line a row: "not ok 7 - name # what: got 1 want 2". */
#include <stdarg.h>
#include "snp.h"

static char name[160];
static char failure[160];

void row_name(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vformat(name, sizeof(name), fmt, ap);
    va_end(ap);
}

void want(const char *what, u64 got, u64 wanted)
{
    if (got != wanted && !failure[0]) {
        format(failure, sizeof(failure), "%s: got 0x%lx want 0x%lx", what, got,
               wanted);
    }
}

void want_text(const char *what, const char *got, const char *wanted)
{
    if (got != wanted && !failure[0]) {
        format(failure, sizeof(failure), "%s: got %s want %s", what, got,
               wanted);
    }
}

void want_trap(const struct trap *t, u64 vector, u64 error)
{
    want("vector", t->vector, vector);
    want("error code", t->error, error);
}

static bool run_row(const struct suite *suite, int row, int number)
{
    bool passed;

    name[0] = failure[0] = 0;
    suite->row(row);
    passed = !failure[0];
    print("%s %d - %s: %s%s%s\n", passed ? "ok" : "not ok", number,
          suite->name, name, passed ? "" : " # ", failure);
    return passed;
}

/* Returns the number of rows that failed */
int ktap_run(const struct suite *const suites[], int n)
{
    int total = 0, failed = 0, number = 0;

    for (int i = 0; i < n; i++) {
        total += suites[i]->rows;
    }
    print("KTAP version 1\n1..%d\n", total);
    for (int i = 0; i < n; i++) {
        for (int row = 0; row < suites[i]->rows; row++) {
            failed += !run_row(suites[i], row, ++number);
        }
    }
    print("# %d of %d rows passed\n", total - failed, total);
    return failed;
}
