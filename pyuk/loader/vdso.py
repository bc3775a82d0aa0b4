"""The vDSO (vdso(7)): its image, made from guest/vdso by `make vdso`, and its data; a frame each for all processes."""

from __future__ import annotations

import os

from pyuk.mm.special import VvarPages, map_vdso, vdso_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.mm.backing import Machine
    from pyuk.mm.space import AddressSpace

_IMAGE = "vdso.elf"
_E_ENTRY = 24


class Vdso:
    """The image in RAM; `map` is the hook that the loader calls for each program."""

    __slots__ = ("_pages", "data", "n_quiet_bytes")

    def __init__(self, machine: Machine) -> None:
        with open(os.path.join(os.path.dirname(__file__), _IMAGE), "rb") as file:
            image = file.read()
        frame = machine.ram.alloc()
        machine.ram.frame(frame)[: len(image)] = image
        self.n_quiet_bytes = int.from_bytes(image[_E_ENTRY : _E_ENTRY + 8], "little")
        """System calls in so much of it are none of the program's: what they answer, Linux's vDSO answers itself."""
        self._pages = vdso_pages(machine.ram, frame)
        self.data = VvarPages(machine.ram, lambda: None)

    def restart(self, on_first_use: Callable[[], None]) -> None:
        """A kernel begins: the data says nothing until a program looks at it; then on_first_use makes it say more."""
        self.data.on_first_use = on_first_use
        self.data.restart()

    def map(self, space: AddressSpace) -> int:
        """Map it into a new program's space; gives AT_SYSINFO_EHDR. Errors: ENOMEM."""
        return map_vdso(space, self.data, self._pages)
