"""The vDSO's image (vdso(7)), made from guest/vdso by `make vdso`, in one frame for all processes."""

from __future__ import annotations

import os

from pyuk.mm.special import map_vdso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.backing import Machine
    from pyuk.mm.space import AddressSpace

_IMAGE = "vdso.elf"


class Vdso:
    """The image in RAM; `map` is the hook that the loader calls for each program."""

    __slots__ = ("_frame",)

    def __init__(self, machine: Machine) -> None:
        with open(os.path.join(os.path.dirname(__file__), _IMAGE), "rb") as file:
            image = file.read()
        self._frame = machine.ram.alloc()
        machine.ram.frame(self._frame)[: len(image)] = image

    def map(self, space: AddressSpace) -> int:
        """Map it into a new program's space; gives AT_SYSINFO_EHDR. Errors: ENOMEM."""
        return map_vdso(space, self._frame)
