# SPDX-License-Identifier: GPL-2.0-only
# What is fetched: Debian package, suite, version, sha256. Both make and sh read this file.
LINUX_PACKAGE=linux-source-7.3
LINUX_SUITE=trixie-backports
LINUX_VERSION=7.3.4-1~bpo13+1
LINUX_SHA256=703e369ddd4cce971452f5a593ee55df3a5c10c83caf0fa0df039633ed181ee3

QEMU_PACKAGE=qemu
QEMU_SUITE=trixie
QEMU_VERSION=1:10.0.13+ds-0+deb13u1
QEMU_SHA256=6a0888e806c2ffc0c5f0733e974f9aea55491950d3c47c98669c8b236dde59ae

# Debian 12's own meson is older than QEMU wants; Debian 13's is used as it is.
MESON_PACKAGE=meson
MESON_SUITE=bookworm-backports
MESON_VERSION=1.7.0-1~bpo12+1
MESON_SHA256=4b86d2f2cb4431d03826fa4b2c3a89508edeb8140509e7e4b285285ec3175bbe

PYCOTAP_PACKAGE=python3-pycotap
PYCOTAP_SUITE=bookworm-backports
PYCOTAP_VERSION=1.3.1-2
PYCOTAP_SHA256=7e8dbf3ac06434275a461d0de79792e2b80126febc53866c89027adde5192ac9

# The SNP guest's side: its VMM, firmware and kernel, unmodified. A Debian kernel's package is named after its version; when it
# has left the archive, the one that CLOUD_META depends on takes its place.
VMM_PACKAGE=qemu-system-x86
VMM_SUITE=trixie
VMM_VERSION=1:10.0.13+ds-0+deb13u1
VMM_SHA256=5e841d0723a657fd8bc2e9e1a085d24f47fcb3e4a0f94762e6c38b429f22fbb1

OVMF_PACKAGE=ovmf
OVMF_SUITE=trixie
OVMF_VERSION=2025.02-8+deb13u1
OVMF_SHA256=78e0d54df11fc77406cb7a0bc9a39e5bca6d1cbe06556b91d9a73491c52decdf

# The same firmware for launches whose measurement covers kernel, initrd and command line.
AMDSEV_PACKAGE=ovmf-amdsev
AMDSEV_SUITE=forky
AMDSEV_VERSION=2026.08+ds-2
AMDSEV_SHA256=92c9b6d15e4eeb371938c3f99080c1a8fc057dfd6bc0509d37f8b615e9edebfb

CLOUD_PACKAGE=linux-image-6.12.107+deb13-cloud-amd64
CLOUD_META=linux-image-cloud-amd64
CLOUD_SUITE=trixie
CLOUD_VERSION=6.12.107-1
CLOUD_SHA256=04434ff520f860423eafe4203d986a35682ce73c2f71baa39e988ca0da93ac91

# What runs on an SNP host and in its guest: the newest version when the pinned one is gone, as nothing is built on them.
SNPHOST_PACKAGE=snphost
SNPHOST_SUITE=sid
SNPHOST_VERSION=0.7.0-1
SNPHOST_SHA256=e613c891c99bd5fa8bb102d4e5b39b4c404073dd6729c90250594333d89f3a9c
SNPHOST_ANY=yes

STRESS_PACKAGE=stress-ng
STRESS_SUITE=trixie
STRESS_VERSION=0.19.02-1
STRESS_SHA256=e944a959ef6516c6b1a167cf557e54eae5a1027b16f2fa5a00f73bea3a32b16f
STRESS_ANY=yes
