# SPDX-License-Identifier: GPL-2.0-only
"""The emulated host: its QEMU command line and its initramfs."""
import functools
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .paths import BUILD, UserError, relative

QEMU = BUILD / "qemu/out/qemu-system-x86_64"
FIRMWARE = ("/usr/share/seabios", "/usr/share/qemu")

# What differs from machine to machine: processor, chipset, extra arguments, module arguments.
MACHINES = {
    "svm": {"cpu": "max", "machine": "q35", "extra": [], "append": ""},
    "snp": {"cpu": "EPYC-Milan", "machine": "q35,x-snp-host=on",
            # The device copies to memory on request: see mk/guest/module.
            "extra": ["-device", "amd-iommu,snp=on", "-device", "amd-psp", "-device", "edu"],
            "append": "dis_ucode_ldr iommu=nopt kvm_amd.sev_snp=1"},
}
# The same with the other layout of the RMP, and with a kernel that makes no use of it.
MACHINES["snpseg"] = {**MACHINES["snp"], "machine": "q35,x-snp-host=on,x-snp-rmp=segmented"}
MACHINES["nosnp"] = {**MACHINES["snp"], "append": MACHINES["snp"]["append"] + " sev=nosnp"}
MACHINES["tdx"] = {"cpu": "GraniteRapids,check=off", "machine": "q35,x-tdx-host=on,x-tdx-strict=on", "extra": [],
                   "append": "dis_ucode_ldr kvm_intel.tdx=1"}
# The same where a mistake of the host's does not end the machine.
MACHINES["tdxlax"] = {**MACHINES["tdx"], "machine": "q35,x-tdx-host=on"}
# Firmware that gives no keys, or too few, or does not load the module; a module that fails, or is too old to split a leaf.
for name, options in {"nokeys": "x-tdx-keyids=0", "onekey": "x-tdx-keyids=1", "nomodule": "x-tdx-module=off",
                      "entropy": "x-tdx-inject=TDH.SYS.INIT:entropy:0:2", "nofield": "x-tdx-inject=TDH.SYS.RD:0xc0000c00:9",
                      "nodemote": "x-tdx-demote-uninterrupted=off"}.items():
    MACHINES["tdx" + name] = {**MACHINES["tdx"], "machine": MACHINES["tdx"]["machine"] + "," + options}

APPEND = ("console=ttyS0 panic=-1 panic_on_warn=1 oops=panic nokaslr loglevel=5 printk.devkmsg=on log_buf_len=4M "
          "tsc=reliable no_timer_check random.trust_cpu=on")


@dataclass
class Host:
    """One host to boot."""
    kernel: str = "series"
    config: str = "plain"
    machine: str = "svm"
    cpus: int = 4
    memory_mib: int = 4096
    append: str = ""
    # What runs on it: the programs of mk/image user, or of another of its pieces
    user: str = "user"
    extra: list = field(default_factory=list)

    @property
    def place(self):
        """kernel-config-machine, and the number of processors where it is not the usual one."""
        usual = self.cpus == Host.cpus
        return f"{self.kernel}-{self.config}-{self.machine}" + ("" if usual else f"-{self.cpus}")

    def image(self, kind):
        """What mk/image made of this kernel: its bzImage, the map of its symbols, the cpio of its modules."""
        return needed(BUILD / f"image/{self.kernel}-{self.config}.{kind}", "test")


def needed(path, verb):
    if not Path(path).exists():
        raise UserError(f"{relative(path)} does not exist; build it with: make {verb}")
    return path


def make_cpio(folder, target):
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    with open(target, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=folder, check=True,
                       input="\n".join(names).encode(), stdout=out)


def initrd_parts(host, folder):
    return [needed(BUILD / f"image/{host.user}.cpio", "test"), host.image("cpio"), folder / "job.cpio"]


def make_initrd(host, folder, job):
    """Put one behind the other: programs, the kernel's modules, this boot's job (a name to text or bytes dictionary)."""
    files = folder / "job/job"
    # No part of an earlier job
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True, exist_ok=True)
    for name, text in job.items():
        (files / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    make_cpio(folder / "job", folder / "job.cpio")
    initrd, new = folder / "initrd", folder / "initrd.new"
    with open(new, "wb") as out:
        for part in initrd_parts(host, folder):
            out.write(part.read_bytes())
    # A QEMU that is starting has the old one mapped and reads it when its guest gets there.
    os.replace(new, initrd)
    return initrd


def two_nodes(host):
    """Two NUMA nodes, a socket each, so that placement can be tested; not for one processor."""
    words = []
    for node in (0, 1) if host.cpus > 1 else ():
        first, last = node * host.cpus // 2, (node + 1) * host.cpus // 2 - 1
        words += ["-object", f"memory-backend-ram,id=node{node},size={host.memory_mib // 2}M",
                  "-numa", f"node,nodeid={node},memdev=node{node},cpus={first}-{last}"]
    return words


def processor(host):
    """KASAN asks for LA57 wherever the kernel does, and identify_cpu() forgets it for a moment: an interrupt then is a report."""
    cpu = MACHINES[host.machine]["cpu"]
    return cpu + ",la57=off" if host.config == "debug" and cpu.startswith(("max", "GraniteRapids")) else cpu


def qemu_command(host, initrd):
    kind = MACHINES.get(host.machine)
    if kind is None:
        raise UserError(f"no machine {host.machine}; there is: {', '.join(MACHINES)}")
    command = [str(needed(QEMU, "run"))]
    for folder in FIRMWARE:
        command += ["-L", folder]
    command += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-machine", kind["machine"], "-accel", "tcg,thread=multi", "-cpu", processor(host),
                "-smp", f"{host.cpus},sockets={min(host.cpus, 2)}", "-m", f"{host.memory_mib}M", "-serial", "mon:stdio",
                "-kernel", str(host.image("bzImage")), "-initrd", str(initrd),
                "-append", " ".join(filter(None, (APPEND, time_stamp_rate(), kind["append"], host.append)))]
    return command + two_nodes(host) + kind["extra"] + host.extra


@functools.cache
def time_stamp_rate():
    """Tell the kernel how fast its time-stamp counter is; see mk/plugin/tsckhz.c."""
    program = BUILD / "plugin/tsckhz"
    if not program.exists():
        return ""
    return "tsc_early_khz=" + subprocess.run([program], check=True, capture_output=True, text=True).stdout.strip()


def as_text(command):
    return shlex.join(command)


def as_script(host, folder, command):
    """What repeats a boot by hand: the initramfs is put together again, as a hundred of them would fill a disk."""
    return f"{shlex.join(['cat', *map(str, initrd_parts(host, folder))])} > {shlex.quote(str(folder / 'initrd'))}\n{as_text(command)}\n"
