/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snp.h"

/*
 * Order matters twice: suite_gates begins before SNP_EN and ends after it, and
 * suite_launch begins with SNP_INIT, which resets the RMP and closes it.
 */
static const struct suite *const suites[] = {
    &suite_gates,
    &suite_registers,
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
    &suite_vmpl,
    &suite_pvalidate,
    &suite_rmpadjust,
    &suite_rmpquery,
    &suite_launch,
};

int main(void)
{
    trap_init();
    paging_init();
    quit(ktap_run(suites, ARRAY_SIZE(suites)) ? 1 : 0);
}
