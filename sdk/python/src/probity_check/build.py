"""From a folder with a check to a component: ``python -m probity_check.build``.

    python -m probity_check.build scan check.py
    python -m probity_check.build component check.py --out orders.wasm

``scan`` prints as JSON which capabilities the check imports, itself or through the modules beside it. ``component``
writes a world with exactly these, and calls componentize-py, which must be installed (``pip install probity-check[build]``).
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: What a check may import as `probity_check.NAME`. The first three are in every world.
ALWAYS = ("context", "log", "clock")
CAPABILITIES = (
    *ALWAYS,
    "state",
    "http",
    "tcp",
    "udp",
    "tls",
    "dns",
    "sql",
    "redis",
    "queue",
    "secrets",
    "system",
    "heartbeats",
    "peers",
)

_PACKAGE = Path(__file__).parent
_ENTRY = "probity_component"
_WORLD = "probity:author/guest"


class BuildError(Exception):
    """Why there is no component, in words for its author."""


def scan(entry: Path) -> list[str]:
    """The capabilities that the module ``entry`` imports, in the order of the contract; modules in its folder that it
    imports count as well.

    Raises :class:`BuildError` for a file that is missing or no Python.
    """
    found: set[str] = set()
    seen: set[Path] = set()
    todo = [entry]
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in _imports(file):
            found.add(name.split(".")[1] if name.startswith("probity_check.") else "")
            todo.extend(_local(entry.parent, name))
    return [name for name in CAPABILITIES if name in found and name not in ALWAYS]


def _imports(file: Path) -> list[str]:
    """The names that a file imports, wherever in it: ``from a import b`` is both ``a`` and ``a.b``."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except (OSError, SyntaxError) as error:
        raise BuildError(f"{file}: {error}") from None
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names.append(base)
            names.extend(f"{base}.{alias.name}" if base else alias.name for alias in node.names)
    return names


def _local(folder: Path, name: str) -> list[Path]:
    path = folder.joinpath(*name.split("."))
    return [file for file in (path.with_suffix(".py"), path / "__init__.py") if name and file.is_file()]


def world(capabilities: list[str]) -> str:
    """The world of a component that imports these and nothing else of ours."""
    imports = "".join(f"  import probity:check/{name}@0.1.0;\n" for name in capabilities)
    return f"package probity:author;\n\nworld guest {{\n  include probity:check/check@0.1.0;\n{imports}}}\n"


def component(entry: Path, out: Path, wit: Path | None = None, stub_wasi: bool = False) -> list[str]:
    """Builds the check in ``entry`` and writes the component to ``out``; its capabilities.

    ``wit`` is a folder with the world ``guest`` and the contract, as ``probity build`` makes it; without it a world is
    made of what the check imports.

    Raises :class:`BuildError` with what componentize-py said when it could not.
    """
    capabilities = scan(entry)
    if entry.stem in ("guest", "probity_check", _ENTRY):
        raise BuildError(f"{entry.name} cannot be called so: rename it, check.py for instance")
    with tempfile.TemporaryDirectory(prefix="probity-build-") as temporary:
        folder = Path(temporary)
        (folder / "world.wit").write_text(world(capabilities), encoding="utf-8")
        worlds = [wit] if wit is not None else [_contract(), folder / "world.wit"]
        text = f'"""The component\'s entry."""\nimport {entry.stem}\nfrom probity_check import _check\n'
        text += "from probity_check._guest import Checker\nimport gc\n_check.only()\n"
        # What is in the snapshot stays: looking through it for garbage would touch, and so copy, all of its memory.
        text += "gc.collect()\ngc.freeze()\n"
        (folder / f"{_ENTRY}.py").write_text(text, encoding="utf-8")
        made = folder / "component.wasm"
        command = [*_componentize_py(), "--quiet", *(word for path in worlds for word in ("-d", str(path)))]
        command += ["-w", _WORLD, "componentize", _ENTRY, "-o", str(made), *(["--stub-wasi"] if stub_wasi else [])]
        for path in (folder, entry.parent.resolve(), _PACKAGE.parent):
            command += ["-p", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(_complaint(done.stdout + done.stderr))
        _replace(out, made.read_bytes())
    return capabilities


def _componentize_py() -> list[str]:
    """The program of this environment, else the one on the path."""
    program = Path(sys.executable).with_name("componentize-py")
    for candidate in (program, program.with_suffix(".exe")):
        if candidate.is_file():
            return [str(candidate)]
    if found := shutil.which("componentize-py"):
        return [found]
    raise BuildError(f"componentize-py is missing: {sys.executable} -m pip install componentize-py==0.25.1")


def _contract() -> Path:
    """The contract: in the installed package, or in the repository."""
    for folder in (_PACKAGE / "wit", _PACKAGE.parents[3] / "wit"):
        if (folder / "checker.wit").is_file():
            return folder
    raise BuildError("the contract is missing: install the package probity-check anew, or pass --wit FOLDER")


def _complaint(said: str) -> str:
    """What componentize-py said, without its own stack."""
    lines = said.strip().splitlines()
    end = next((at for at, line in enumerate(lines) if line.startswith(("Stack backtrace", "Caused by"))), len(lines))
    return "\n".join(lines[:end]).strip() or said.strip() or "componentize-py failed and said nothing"


def _replace(out: Path, data: bytes) -> None:
    """A host that watches the folder sees a whole file, and only when it is new."""
    if out.is_file() and out.read_bytes() == data:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(out)


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 when there is no component."""
    parser = argparse.ArgumentParser(prog="python -m probity_check.build", description="Builds a check in Python.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("scan", "print what a check imports"), ("component", "build a component")):
        command = commands.add_parser(name, help=text)
        command.add_argument("entry", type=Path, help="the file with the check")
    command.add_argument("--out", type=Path, required=True, help="the component")
    command.add_argument("--wit", type=Path, help="folder with a world `guest`, in place of one made of the imports")
    command.add_argument("--stub-wasi", action="store_true", help="no WASI: print, time and random then trap or repeat")
    given = parser.parse_args(arguments)
    try:
        if given.command == "scan":
            made = scan(given.entry)
        else:
            made = component(given.entry, given.out, given.wit, given.stub_wasi)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"capabilities": made}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
