# SPDX-License-Identifier: GPL-2.0-only
"""Every selftest that was built is a case of a table, or left out there with a reason, and nothing else is.

A table answers for the programs that it runs: upstream's (programs = "stock"), or those that the series adds.
"""
from . import cases
from .paths import UserError, run_main, tree


def built(kernel):
    folder = tree(kernel) / "out-selftests"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")
             if path.is_file() and path.stat().st_mode & 0o100 and path.suffix != ".so"}
    if not found:
        raise UserError(f"no selftests of {kernel}; build them with: make build")
    return found


def told(kernel):
    """The cases of the tables that run this kernel's programs, and what they leave out."""
    listed, left_out = set(), {}
    for table in map(cases.read_table, cases.tables()):
        if table.get("programs", "series") == kernel:
            listed |= set(table["cases"])
            left_out.update(table.get("left_out", {}))
    return listed, left_out


def faults(programs, listed, left_out):
    """What is wrong between the programs that exist, the cases, and what is left out."""
    yield from (f"{name}: in no case and not left out" for name in sorted(programs - listed - set(left_out)))
    yield from (f"{name}: left out, but a case too" for name in sorted(set(left_out) & listed))
    yield from (f"{name}: left out, but not built" for name in sorted(set(left_out) - programs))
    yield from (f"{name}: left out without a reason" for name, reason in sorted(left_out.items()) if not reason)


def main():
    # The tree of the series builds upstream's along.
    stock = built("stock")
    programs = {"stock": stock, "series": built("series") - stock}
    found = [f"{kernel}: {fault}" for kernel, names in programs.items() for fault in faults(names, *told(kernel))]
    print("\n".join([*found, f"{sum(map(len, programs.values()))} programs, {len(found)} faults; the tables are in mk/tests"]))
    return 1 if found else 0


if __name__ == "__main__":
    run_main(main)
