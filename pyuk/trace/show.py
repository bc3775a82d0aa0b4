"""`pyuk show`: a program as the kernel has laid it out, just before its first instruction."""

from __future__ import annotations

from pyuk.abi import elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyuk.kernel.task import Task

VIEWS = {
    "headers": "program headers and dynamic section, as objdump -p",
    "auxv": "the auxiliary vector, as procstat -x",
    "args": "arguments and environment as they lie on the stack, as procstat -c and -e",
    "maps": "the memory map, as /proc/PID/maps",
    "libs": "the libraries the program's own run-time linker loads, as ldd",
}
"""What can be shown. `libs` is a run of the program with LD_TRACE_LOADED_OBJECTS and not made here."""


def view(what: str, task: Task, program: str) -> str:
    """The text of one of VIEWS for a process that has been started and not run."""
    if what == "headers":
        return _headers(program)
    if what == "auxv":
        return _auxv(task)
    if what == "args":
        return _args(task)
    return task.mm.maps()


def _auxv(task: Task) -> str:
    """One line an entry: tag, name, value; strings and random bytes are shown with what they point to."""
    names = {value: name for name, value in vars(elf).items() if name.startswith("AT_")}
    decimal = (
        elf.AT_PAGESZ, elf.AT_CLKTCK, elf.AT_PHENT, elf.AT_PHNUM, elf.AT_UID, elf.AT_EUID, elf.AT_GID,
        elf.AT_EGID, elf.AT_SECURE, elf.AT_MINSIGSTKSZ,
    )  # fmt: skip
    lines = []
    for tag, value in task.process.loaded.auxv:
        text = str(value) if tag in decimal else f"{value:#x}"
        if tag in (elf.AT_EXECFN, elf.AT_PLATFORM):
            text += f' "{_string(task, value)}"'
        elif tag == elf.AT_RANDOM:
            text += f" {task.mem.peek(value, 16).hex(' ')}"
        lines.append(f"{tag:4}  {names.get(tag, 'AT_???'):16} {text}")
    return "\n".join(lines) + "\n"


def _args(task: Task) -> str:
    """The stack from rsp up: argc, and each pointer with its string."""
    strings = task.process.loaded.strings
    address = task.process.loaded.sp
    argc = int.from_bytes(task.mem.peek(address, 8), "little")
    lines = [f"{address:#x}  argc {argc}"]
    n_environment = len(strings.envp)
    for index in range(argc + 1 + n_environment + 1):
        slot = address + 8 + 8 * index
        pointer = int.from_bytes(task.mem.peek(slot, 8), "little")
        name = f"argv[{index}]" if index <= argc else f"envp[{index - argc - 1}]"
        shown = f'{pointer:#x} "{_string(task, pointer)}"' if pointer else "NULL"
        lines.append(f"{slot:#x}  {name:9} {shown}")
    return "\n".join(lines) + "\n"


def _string(task: Task, address: int) -> str:
    """The guest's string at address, printable."""
    found = b""
    while b"\0" not in found:
        part = task.mem.peek(address + len(found), 256)
        found += part
        if len(part) < 256:  # noqa: PLR2004
            break
    return found.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _headers(program: str) -> str:
    """What `objdump -p` prints: what the kernel and the run-time linker read."""
    from elftools.elf.elffile import ELFFile

    with open(program, "rb") as file:
        image = ELFFile(file)
        lines = ["", f"{program}:     file format elf64-x86-64", "", "Program Header:"]
        for segment in image.iter_segments():
            lines += _segment(segment.header)
        dynamic: Any
        for dynamic in image.iter_segments("PT_DYNAMIC"):
            lines += ["", "Dynamic Section:"]
            lines += [_dynamic(tag) for tag in dynamic.iter_tags() if tag.entry.d_tag != "DT_NULL"]
        lines += _versions(image)
    return "\n".join(lines) + "\n"


def _segment(header: Any) -> list[str]:
    kind = header["p_type"]
    name = _SEGMENT_NAMES.get(kind) or (kind.removeprefix("PT_") if isinstance(kind, str) else f"{kind:#x}")
    rights = ((elf.PF_R, "r"), (elf.PF_W, "w"), (elf.PF_X, "x"))
    flags = "".join(letter if header["p_flags"] & bit else "-" for bit, letter in rights)
    align = max(header["p_align"], 1).bit_length() - 1
    return [
        (
            f"{name:>8} off    {header['p_offset']:#018x} vaddr {header['p_vaddr']:#018x} "
            f"paddr {header['p_paddr']:#018x} align 2**{align}"
        ),
        f"         filesz {header['p_filesz']:#018x} memsz {header['p_memsz']:#018x} flags {flags}",
    ]


def _dynamic(tag: Any) -> str:
    name = str(tag.entry.d_tag).removeprefix("DT_")
    for attribute in ("needed", "soname", "rpath", "runpath"):
        if hasattr(tag, attribute):
            return f"  {name:20} {getattr(tag, attribute)}"
    return f"  {name:20} {tag.entry.d_val:#018x}"


def _versions(image: Any) -> list[str]:
    """The versions a program defines, and those it needs of its libraries."""
    lines: list[str] = []
    defined = next(image.iter_sections("SHT_GNU_verdef"), None)
    if defined is not None:
        lines += ["", "Version definitions:"]
        for version, names in defined.iter_versions():
            first, *parents = (auxiliary.name for auxiliary in names)
            lines.append(f"{version['vd_ndx']} 0x{version['vd_flags']:02x} 0x{version['vd_hash']:08x} {first}")
            lines += [f"\t{parent} " for parent in parents]
    needed = next(image.iter_sections("SHT_GNU_verneed"), None)
    if needed is not None:
        lines += ["", "Version References:"]
        for library, versions in needed.iter_versions():
            lines.append(f"  required from {library.name}:")
            for version in versions:
                words = f"0x{version['vna_hash']:08x} 0x{version['vna_flags']:02x} {version['vna_other']:02d}"
                lines.append(f"    {words} {version.name}")
    return [*lines, ""]


_SEGMENT_NAMES = {
    "PT_GNU_EH_FRAME": "EH_FRAME",
    "PT_GNU_STACK": "STACK",
    "PT_GNU_RELRO": "RELRO",
    "PT_GNU_PROPERTY": "0x6474e553",
}
"""As binutils' elf.c has them where it is not the constant's own name."""
