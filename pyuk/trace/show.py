"""`pyuk show`: a program as the kernel has laid it out, just before its first instruction."""

from __future__ import annotations

from pyuk.abi import auxv, elf

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    names = {value: name for name, value in vars(auxv).items() if name.startswith("AT_")}
    decimal = (
        auxv.AT_PAGESZ, auxv.AT_CLKTCK, auxv.AT_PHENT, auxv.AT_PHNUM, auxv.AT_UID, auxv.AT_EUID, auxv.AT_GID,
        auxv.AT_EGID, auxv.AT_SECURE, auxv.AT_MINSIGSTKSZ,
    )  # fmt: skip
    lines = []
    for tag, value in task.process.loaded.auxv:
        text = str(value) if tag in decimal else f"{value:#x}"
        if tag in (auxv.AT_EXECFN, auxv.AT_PLATFORM):
            text += f' "{_string(task, value)}"'
        elif tag == auxv.AT_RANDOM:
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
    """The parts of `objdump -p` that the kernel and the run-time linker read."""
    from elftools.elf.dynamic import DynamicSegment  # noqa: PLC0415
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415

    with open(program, "rb") as file:  # noqa: PTH123
        image = ELFFile(file)
        lines = ["", f"{program}:     file format elf64-x86-64", "", "Program Header:"]
        for segment in image.iter_segments():
            lines += _segment(segment.header)
        for segment in image.iter_segments():
            if isinstance(segment, DynamicSegment):
                lines += [
                    "",
                    "Dynamic Section:",
                    *(_dynamic(tag) for tag in segment.iter_tags() if tag.entry.d_tag != "DT_NULL"),
                ]
    return "\n".join(lines) + "\n"


def _segment(header: object) -> list[str]:
    fields = {
        name: header[f"p_{name}"] for name in ("type", "offset", "vaddr", "paddr", "align", "filesz", "memsz", "flags")
    }  # type: ignore[index]
    kind = fields["type"]
    names = {
        "PT_GNU_EH_FRAME": "EH_FRAME",
        "PT_GNU_STACK": "STACK",
        "PT_GNU_RELRO": "RELRO",
        "PT_GNU_PROPERTY": "0x6474e553",
    }
    name = names.get(kind) or (kind.removeprefix("PT_") if isinstance(kind, str) else f"{kind:#x}")
    flags = "".join(
        letter if fields["flags"] & bit else "-" for letter, bit in (("r", elf.PF_R), ("w", elf.PF_W), ("x", elf.PF_X))
    )
    align = max(fields["align"], 1).bit_length() - 1
    return [
        f"{name:>8} off    {fields['offset']:#018x} vaddr {fields['vaddr']:#018x} paddr {fields['paddr']:#018x} align 2**{align}",
        f"         filesz {fields['filesz']:#018x} memsz {fields['memsz']:#018x} flags {flags}",
    ]


def _dynamic(tag: object) -> str:
    entry = tag.entry  # type: ignore[attr-defined]  # pyelftools has no types
    name = str(entry.d_tag).removeprefix("DT_")
    for attribute in ("needed", "soname", "rpath", "runpath"):
        if hasattr(tag, attribute):
            return f"  {name:20} {getattr(tag, attribute)}"
    return f"  {name:20} {entry.d_val:#018x}"
