# SPDX-License-Identifier: GPL-2.0-only
"""Debian's QEMU, firmware and kernel as an SNP guest on the SNP host: its command line, what it says, what the machine counts."""
import json
import re
import socket
import time
from dataclasses import dataclass

from .boot import REPORT
from .machine import Host, needed
from .paths import BUILD

# Of the host; what the guest's memory takes comes on top.
HOST_MIB = 3072
# CPUID leaf 1 of the machine's CPU, EPYC-Milan, which the guest has by -cpu host
SIGNATURE = 0xa00f11
FILES = BUILD / "image/guest/debian/guest"
# What an operator would type. The console is virtio's: each character of a serial port is several exits.
VMM = """\
exec chroot /debian /usr/bin/qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \\
	-accel kvm -cpu host -smp {cpus} -m {memory}M -machine q35,confidential-guest-support=sev0,memory-backend=ram \\
	-object memory-backend-memfd,id=ram,size={memory}M,share=true -object sev-snp-guest,id=sev0,cbitpos=51,reduced-phys-bits=5{launch} \\
	-bios /guest/{firmware} -kernel /guest/vmlinuz -initrd /guest/initrd -append "{append}" \\
	-device virtio-serial-pci,disable-legacy=on,iommu_platform=on -chardev stdio,id=console,signal=off \\
	-device virtconsole,chardev=console{serial}
"""
# What the guest's kernel says before there is a console; each character is several exits.
SERIAL, EARLY = " \\\n\t-serial file:/tmp/early", "earlyprintk=serial,ttyS0,115200,keep ignore_loglevel"
# The names are stock's and the series': a kernel that lacks one does not show it.
SAMPLE = """\
sample() {
	set -- /sys/kernel/debug/kvm/*-*
	line=
	[ -e "$1" ] || return
	for name in pages_4k pages_2m private_pages_4k private_pages_2m pf_taken pf_fixed exits private_splits private_promotions rmp_smashes; do
		[ ! -e "$1/$name" ] || line="$line $name $(cat "$1/$name")"
	done
	# A look at all of the RMP costs the kernel some million instructions: now and then
	looks=$((looks + 1))
	[ $((looks % 5)) != 3 ] || line="$line $(rmp-count sizes)"
	echo "host: at $(cut -d' ' -f1 /proc/uptime) s:$line map_2m $(map_2m)"
}
# Of the host's map of memory, in mappings of 2M: what is mapped 1G counts, too
map_2m() { awk '/^DirectMap(2M|1G):/ { kib += $2 } END { print kib / 2048 }' /proc/meminfo; }
"""
# How often the guest asked for page state changes by its GHCB, and mappings of 2M that the host's own map of memory lost. A guest that
# is shut down (a triple fault) or asks for its end (SEV_TERM) leaves a VMM that says nothing of it: KVM tells.
TRACE = """\
trace=/sys/kernel/tracing
mkdir $trace/instances/ends
echo "reason == 8 || reason == 24" >$trace/instances/ends/events/kvm/kvm_userspace_exit/filter
echo 1 >$trace/instances/ends/events/kvm/kvm_userspace_exit/enable
ends() { sed -n 's/.*kvm_userspace_exit: /host: KVM ended the guest: /p' $trace/instances/ends/trace; }
echo "exit_reason == 0x80000010" >$trace/events/kvm/kvm_vmgexit_enter/filter
echo 1 >$trace/events/kvm/kvm_vmgexit_enter/enable
state_changes() { echo "host: state-changes $(cat $trace/per_cpu/cpu*/stats | awk '/^(entries|overrun):/ { sum += $2 } END { print sum }')"; }
splits() {
	echo "host: splits $(awk '/^direct_map_level2_splits/ { print $2 }' /proc/vmstat)"
	echo "host: map $(map_2m)"
}
"""
MOUNTS = "for folder in proc sys dev tmp; do mount --bind /$folder /debian/$folder; done\n"
COUNTERS = ("rmpupdate", "rmpupdate-2m", "psmash", "pvalidate", "pvalidate-2m", "vmexit-npf", "vmgexit", "vmexit")


@dataclass
class Guest:
    """One SNP guest."""
    cpus: int = 1
    memory_mib: int = 512
    accept: str = "lazy"
    hashes: bool = False
    # More on its command line
    words: str = ""
    # A serial port from the first message on
    early: bool = False

    @property
    def firmware(self):
        return "OVMF.amdsev.fd" if self.hashes else "OVMF.fd"

    @property
    def append(self):
        early = f" {EARLY}" if self.early else ""
        return f"console=hvc0 panic=-1 accept_memory={self.accept}{early} {self.words}".strip()

    def vmm(self, **launch):
        """The script that starts the VMM; `launch` are more properties of sev-snp-guest."""
        properties = ({"kernel-hashes": "on"} if self.hashes else {}) | launch
        return VMM.format(cpus=self.cpus, memory=self.memory_mib, append=self.append, firmware=self.firmware,
                          serial=SERIAL if self.early else "",
                          launch="".join(f",{name}={value}" for name, value in properties.items()))

    def measured(self):
        """What attest/measure.py wants to know."""
        image, kernel, initrd = (needed(FILES / name, "guest").read_bytes() for name in (self.firmware, "vmlinuz", "initrd"))
        return image, self.cpus, SIGNATURE, (kernel, initrd, self.append) if self.hashes else None


def make_host(kernel, guest, chain, monitor, append=""):
    return Host(kernel=kernel, machine="snp", cpus=2, memory_mib=HOST_MIB + guest.memory_mib, user="guest",
                append=("kvm.gmem_large_folios=1 " if kernel == "series" else "") + append,
                extra=["-global", f"amd-psp.export={chain}", "-qmp", f"unix:{monitor},server=on,wait=off"])


def counters(path):
    """How often the machine ran what; see qemu/docs/specs/snp-host.rst."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(path)
        lines = monitor.makefile("rw")

        def ask(command, **arguments):
            lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            lines.flush()
            while True:
                answer = json.loads(lines.readline())
                if "event" not in answer:
                    return answer.get("return")

        lines.readline()
        ask("qmp_capabilities")
        return {name: ask("qom-get", path="/machine/snp-host", property=name) for name in COUNTERS}


def follow(console, seconds, on_line):
    """What guest, host and VMM said; raises when the host reports something or time is up."""
    said, deadline = [], time.monotonic() + seconds
    for line in console.lines(lambda: deadline):
        if REPORT.search(line) or line.startswith(("KVM: entry failed", "KVM: unknown exit")):
            raise ValueError(line.strip())
        if re.match("guest: |host: |qemu-system-x86_64: (?!.*warning: )", line):
            print(line[:200], flush=True)
            said.append(line)
            on_line(line)
    return said


def told(said):
    """What the host said, in numbers: mappings over time, and sums."""
    def numbers(word):
        return [float(line.split()[2]) for line in said if line.startswith(f"host: {word} ")]

    samples = []
    for line in said:
        if match := re.match(r"host: at ([\d.]+) s: (.*)", line):
            words = match[2].split()
            samples.append({"s": float(match[1]), **dict(zip(words[::2], map(int, words[1::2])))})
    splits, changes, maps = numbers("splits"), numbers("state-changes"), numbers("map")
    return {"samples": samples, "splits": splits[-1] - splits[0] if splits else 0, "changes": changes[-1] if changes else 0,
            "map_lost": maps[0] - min(sample.get("map_2m", maps[0]) for sample in samples) if maps and samples else 0}
