# SPDX-License-Identifier: GPL-2.0-only
# Verbs only; the work is in mk/.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules
MACHINE ?= svm
CONFIG ?= plain
KERNEL ?= series
# How long race tests last; ten minutes for the record.
RACE_SECONDS ?= 20
# How many faults the tests inject that have a list of them: all, or so many at random.
FAULTS ?= 24
# How many VMs come and go until the direct map is looked at again.
VMS ?= 50
# How often each test runs, and on which hosts: a glob, as series-debug-*.
RUNS ?= 1
HOSTS ?=
# How many hosts run at a time.  Three on two processors take a seventh less time in all, and each of them longer.
AT_A_TIME ?= 2
# The debug configuration: KASAN, lockdep, fault injection. DEBUG=0 leaves it out, and the 20 minutes that its kernel takes at first;
# DEBUG=all has the unpatched kernel in it too.
DEBUG ?= 1
override DEBUG := $(filter-out 0,$(DEBUG))
export RACE_SECONDS FAULTS VMS RUNS HOSTS AT_A_TIME
include mk/build.mk

.PHONY: help run test bench overhead shell guest tree import check bisect series build clean
help:
	@sed -n 's/^#: //p' Makefile

#: make run             build everything; on both kernels touch 1 GiB of private memory and boot an SNP guest; print the tables
run: $(S)/kernel-stock-plain $(S)/kernel-series-plain $(S)/image-user $(S)/image-guest $(S)/plugin
	@mk/bench --run
	@mk/show $(if $(MEMORY),--memory $(MEMORY))

#: make test            every test; T=pattern runs what matches, HOSTS=glob on these hosts alone, RUNS=n each n times;
#:                      AT_A_TIME=n hosts at a time (2); DEBUG=0 without the debug configuration, DEBUG=all with stock's;
#:                      RACE_SECONDS=, FAULTS=, VMS=: how long races last, how many faults are injected, how many VMs come and go
test: build
	@DEBUG=$(DEBUG) mk/test $(T)

#: make bench           stock and series side by side: table, CSV, SVG; QUICK=1 for the 1 GiB rows alone, MACHINE=snp|tdx for SNP guests or TDs,
#:                      CONVERT=1 with it for 1 GiB to shared and back alone (promotion on and off; ten minutes)
bench: $(S)/kernel-stock-plain $(S)/kernel-series-plain $(S)/image-user $(S)/plugin
	@mk/bench $(if $(QUICK),--quick) $(if $(CONVERT),--convert) $(if $(MACHINE),--machine $(MACHINE))

#: make overhead        what the patches of QEMU cost: processor time of unpatched QEMU, patched, and as an SNP host
overhead: $(S)/qemu $(S)/kernel-stock-plain $(S)/image-user $(S)/plugin
	@mk/overhead

#: make shell           a shell on the host; MACHINE=svm|snp|tdx KERNEL=stock|series CONFIG=plain|debug
shell: $(S)/kernel-$(KERNEL)-$(CONFIG) $(S)/image-user $(S)/qemu
	@mk/shell $(MACHINE) $(KERNEL) $(CONFIG)

#: make guest           Debian's QEMU, firmware and kernel as an SNP guest, its console here; KERNEL=stock|series CPUS= MEMORY=MiB
guest: $(S)/kernel-$(KERNEL)-plain $(S)/image-guest $(S)/qemu
	@mk/snp-guest --show --kernel $(KERNEL) $(if $(CPUS),--cpus $(CPUS)) $(if $(MEMORY),--memory $(MEMORY))

#: make build           everything that the tests need
build: $(S)/qemu $(S)/kernel-stock-plain $(S)/kernel-series-plain $(if $(DEBUG),$(S)/kernel-series-debug) $(if $(filter all,$(DEBUG)),$(S)/kernel-stock-debug) $(S)/image-user $(S)/image-guest $(S)/image-tools $(S)/image-stress $(S)/plugin

#: make tree            the queue on the pinned source: build/linux, ROOM=qemu for build/qemu
ROOM ?= linux
tree: $(S)/tree-$(ROOM)
#: make import          commits of build/linux back into our files and the queue
#: make check           the queue's invariants, checkpatch, the tools' own tests
#: make bisect          every commit builds and passes its tests
#: make series          mails for a real git clone: BASE= LINUX_GIT= V=
check bisect series: $(S)/tree-$(ROOM)
import check bisect series:
	@mk/series $@ --room $(ROOM)

#: make clean           remove every product
clean:
	@rm -rf build

#: Variables: LINUX_SRC= and QEMU_SRC= take a tarball or a tree instead of the pinned packages.
