/*
 * TDX host emulation: hooks in TCG
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every hook returns at once on a machine that is not a TDX host.
 */
#ifndef I386_TCG_TDX_TCG_H
#define I386_TCG_TDX_TCG_H

/*
 * What a MOV to CR4 must not do: raises #GP on a TDX host, where a reserved
 * bit would otherwise be an exit of a guest that does not run.
 */
void tdx_check_cr4(CPUX86State *env, target_ulong val, uintptr_t ra);

/* The SEAMCALL whose helper left the translation block; QEMU's lock is held */
void tdx_do_seamcall(CPUX86State *env);

#endif
