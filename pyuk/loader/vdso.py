"""The vDSO's image (vdso(7)), made from guest/vdso by `make vdso`, in one frame for all processes."""

from __future__ import annotations

import os

from pyuk.mm.special import map_vdso, vdso_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.backing import Machine
    from pyuk.mm.space import AddressSpace

_IMAGE = "vdso.elf"


class Vdso:
    """The image in RAM; `map` is the hook that the loader calls for each program."""

    __slots__ = ("_pages",)

    def __init__(self, machine: Machine) -> None:
        with open(os.path.join(os.path.dirname(__file__), _IMAGE), "rb") as file:
            image = file.read()
        frame = machine.ram.alloc()
        machine.ram.frame(frame)[: len(image)] = image
        self._pages = vdso_pages(machine.ram, frame)

    def map(self, space: AddressSpace) -> int:
        """Map it into a new program's space; gives AT_SYSINFO_EHDR. Errors: ENOMEM."""
        return map_vdso(space, self._pages)
