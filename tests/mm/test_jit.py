"""A real JIT's code under W^X: LuaJIT compiles, runs, throws away and compiles again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.native import run_native, run_pyuk

SCRIPT = """
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local sum, words = 0, {}
for i = 1, 20000 do words[i] = (i * 7919) % 10007 end
table.sort(words)
for i = 1, #words do sum = sum + words[i] * i % 13 end
for k = 1, 60 do
    local f = load("local a = ... for i = 1, 300 do a = a + i * " .. k .. " end return a")
    sum = sum + f(k)
    if k % 20 == 0 then jit.flush() end
end
print(fib(20), sum, string.format("%.3f", math.sin(1)), jit.status())
"""


@pytest.mark.skipif(shutil.which("luajit") is None, reason="LuaJIT is not installed: apt-get install luajit")
def test_luajit_computes_what_it_computes_natively(tmp_path: Path) -> None:
    """The same output with traces compiled, flushed and compiled again into the same pages."""
    luajit = Path(str(shutil.which("luajit")))
    (tmp_path / "script.lua").write_text(SCRIPT, encoding="utf-8")
    native = run_native(luajit, ("script.lua",), cwd=tmp_path)
    found = run_pyuk(luajit, ("script.lua",), cwd=tmp_path)
    assert native.status == 0
    # What LuaJIT says of the CPU may differ.
    assert (found.status, found.stdout.split()[:3]) == (0, native.stdout.split()[:3])
