/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test image of the SNP machine; ./run boots it.
 *
 * The image is the host: it enables SNP, changes pages by RMPUPDATE and PSMASH
 * and touches them, then runs a guest that does the same with PVALIDATE and
 * RMPADJUST. A suite is a table; a row names what is prepared, the operation
 * of ops.S that is executed and all that it must come to. To add a case, add
 * a row.
 */
#include "snp.h"

/*
 * Order matters twice: suite_gates begins before SNP_EN and ends after it, and
 * suite_launch begins with SNP_INIT, which resets the RMP and closes it.
 */
static const struct suite *const suites[] = {
    &suite_gates,
    &suite_registers,
    &suite_xsave,
    &suite_operands,
    &suite_update,
    &suite_smash,
    &suite_rmpread,
    &suite_host,
    &suite_rights,
    &suite_walk,
    &suite_vmrun,
    &suite_exits,
    &suite_host_state,
    &suite_guest,
    &suite_nested_walk,
    &suite_vmpl,
    &suite_pvalidate,
    &suite_rmpadjust,
    &suite_rmpquery,
    &suite_leak,
    &suite_sev,
    &suite_smp,
    &suite_launch,
};

static const struct suite *const suites_inject[] = { &suite_inject };

#define INFO_COMMAND_LINE 24    /* in the loader's structure */

/* The machine's quirks */
bool repeat_keeps, immutable_open;

/* The command line is empty, "inject", "repeat-keeps" or "open-immutable" */
static bool told(char first)
{
    const char *line = *(const char **)((u64)start_info + INFO_COMMAND_LINE);

    return line && *line == first;
}

int main(void)
{
    int failed;

    trap_init();
    paging_init();
    repeat_keeps = told('r');
    immutable_open = told('o');
    if (told('i')) {
        failed = ktap_run(suites_inject, ARRAY_SIZE(suites_inject));
    } else {
        failed = ktap_run(suites, ARRAY_SIZE(suites));
    }
    quit(failed ? 1 : 0);
}
