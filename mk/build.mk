# SPDX-License-Identifier: GPL-2.0-only
# What depends on what. A stamp under build/stamp is written when its step has succeeded.
S := build/stamp
STAMP = @mkdir -p $(@D) && touch $@

# A file whose content changes only when the value does: build/stamp/*.value
define content_file
$(S)/$(1).value: FORCE
	@mkdir -p $$(@D); echo '$(2)' | cmp -s - $$@ || echo '$(2)' >$$@
endef

OURS := $(wildcard arch virt mm include tools Documentation MAINTAINERS patches/linux)
QEMU_OURS := $(wildcard qemu)
sum_of = $(if $(1),$(shell find $(1) -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum | cksum),nothing)

$(eval $(call content_file,linux-src,$(LINUX_SRC) $(shell grep ^LINUX mk/versions.mk | cksum)))
$(eval $(call content_file,qemu-src,$(QEMU_SRC) $(shell grep ^QEMU mk/versions.mk | cksum)))
# The files that the queue exports, by content.
$(eval $(call content_file,linux-ours,$(call sum_of,$(OURS))))
$(eval $(call content_file,qemu-ours,$(call sum_of,$(QEMU_OURS))))

$(S)/deps: mk/packages.txt
	@mk/deps
	$(STAMP)

$(S)/tree-linux: $(S)/linux-src.value $(S)/linux-ours.value | $(S)/deps
	@mk/tree linux $(LINUX_SRC)
	$(STAMP)
$(S)/tree-qemu: $(S)/qemu-src.value $(S)/qemu-ours.value | $(S)/deps
	@mk/tree qemu $(QEMU_SRC)
	$(STAMP)

# The trees' content as it is now, a developer's edits included.
$(S)/stock.tree: $(S)/tree-linux FORCE
	@mk/fingerprint build/linux-stock $@
$(S)/series.tree: $(S)/tree-linux FORCE
	@mk/fingerprint build/linux $@
$(S)/qemu.tree: $(S)/tree-qemu FORCE
	@mk/fingerprint build/qemu $@

$(S)/qemu: $(S)/qemu.tree
	@mk/qemu
	$(STAMP)

define kernel
$(S)/kernel-$(1)-$(2): $(S)/$(1).tree mk/kernel mk/image $(wildcard configs/*.config mk/guest/module/*)
	@mk/kernel $(1) $(2)
	@mk/image kernel $(1) $(2)
	$$(STAMP)
endef
$(eval $(call kernel,stock,plain))
$(eval $(call kernel,stock,debug))
$(eval $(call kernel,series,plain))
$(eval $(call kernel,series,debug))

$(S)/selftests-%: $(S)/%.tree $(S)/kernel-%-plain
	@mk/selftests $*
	$(STAMP)

$(S)/image-user: $(S)/selftests-stock $(S)/selftests-series mk/image $(wildcard mk/guest/* mk/guest/snp/* mk/guest/tdx/*)
	@mk/image user
	$(STAMP)

$(S)/image-guest: mk/image mk/versions.mk mk/guest/init mk/guest/snp/guest-init mk/guest/snp/sev-guest-ask.c mk/guest/snp/rmp-count.c mk/guest/snp/mark.c | $(S)/deps
	@mk/image guest
	$(STAMP)

$(S)/image-tools $(S)/image-stress: $(S)/image-%: mk/image mk/versions.mk mk/guest/init | $(S)/deps
	@mk/image $*
	$(STAMP)

$(S)/plugin: $(wildcard mk/plugin/*) $(S)/qemu
	@mk/plugin-build
	$(STAMP)

.PHONY: FORCE
FORCE:
