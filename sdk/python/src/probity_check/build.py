"""From a folder with a check to a component: ``python -m probity_check.build``.

    python -m probity_check.build scan check.py
    python -m probity_check.build component check.py --out orders.wasm

``scan`` prints as JSON which capabilities the check imports, itself or through the modules beside it, and notes on what it
imports and cannot use. ``component`` writes a world with exactly these capabilities, and calls componentize-py, which must be
installed (``pip install probity-check[build]``).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Iterable

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

#: Libraries that want what a component has not, and what to use in their place.
_HTTP = "sockets", "from probity_check import http"
_SQL = "sockets", "from probity_check import sql"
_LOOP = "an event loop", "http.send_all of probity_check, which asks side by side; its other functions wait"
_THREADS = "threads", "http.send_all of probity_check, which asks side by side"
_PROCESSES = "processes", "from probity_check import system"
_ARRAYS = "native code", "pure Python, statistics for instance"
LIBRARIES = {
    **dict.fromkeys(("requests", "httpx", "urllib.request", "urllib3", "aiohttp", "http.client", "pycurl"), _HTTP),
    **dict.fromkeys(("psycopg", "psycopg2", "asyncpg", "pymysql", "MySQLdb", "sqlalchemy", "pymongo"), _SQL),
    **dict.fromkeys(("asyncio", "trio", "anyio", "gevent"), _LOOP),
    **dict.fromkeys(("threading", "concurrent.futures"), _THREADS),
    **dict.fromkeys(("subprocess", "multiprocessing", "psutil"), _PROCESSES),
    **dict.fromkeys(("numpy", "pandas", "scipy"), _ARRAYS),
    "socket": ("sockets", "from probity_check import tcp, or udp, dns"),
    "ssl": ("sockets", "from probity_check import tls"),
    "redis": ("sockets", "from probity_check import redis"),
    "pika": ("sockets", "from probity_check import queue"),
    "smtplib": ("sockets", "from probity_check import tcp, and start_tls of its connection"),
    "ftplib": ("sockets", "from probity_check import tcp"),
    "sqlite3": ("files", "from probity_check import sql"),
}

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
    return look(entry)[0]


def look(entry: Path) -> tuple[list[str], list[str]]:
    """What :func:`scan` finds, and a note for each library that wants what a component has not.

    Raises :class:`BuildError` as :func:`scan` does.
    """
    found: set[str] = set()
    notes: dict[str, str] = {}
    seen: set[Path] = set()
    todo = [entry]
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        for name, line in _imports(file):
            found.add(name.split(".")[1] if name.startswith("probity_check.") else "")
            beside = _local(entry.parent, name)
            todo.extend(beside)
            if not beside and (library := _library(name)) is not None:
                wants, instead = LIBRARIES[library]
                place = f"{file.relative_to(entry.parent)}:{line}"
                notes.setdefault(library, f"{place} imports {library}, which wants {wants}: a component has none; use {instead}")
    capabilities = [name for name in CAPABILITIES if name in found and name not in ALWAYS]
    return capabilities, [notes[name] for name in sorted(notes)]


def _library(name: str) -> str | None:
    """The library of :data:`LIBRARIES` that a module belongs to."""
    parts = name.split(".")
    whole = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return next((known for known in whole if known in LIBRARIES), None)


def _imports(file: Path) -> list[tuple[str, int]]:
    """The names that a file imports, wherever in it, with their lines: ``from a import b`` is both ``a`` and ``a.b``."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except (OSError, SyntaxError) as error:
        raise BuildError(f"{file}: {error}") from None
    names: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names.append((base, node.lineno))
            names.extend((f"{base}.{alias.name}" if base else alias.name, node.lineno) for alias in node.names)
    return names


def _local(folder: Path, name: str) -> list[Path]:
    path = folder.joinpath(*name.split("."))
    return [file for file in (path.with_suffix(".py"), path / "__init__.py") if name and file.is_file()]


def world(capabilities: list[str]) -> str:
    """The world of a component that imports these and nothing else of ours."""
    imports = "".join(f"  import probity:check/{name}@0.1.0;\n" for name in capabilities)
    return f"package probity:author;\n\nworld guest {{\n  include probity:check/check@0.1.0;\n{imports}}}\n"


def component(
    entry: Path,
    out: Path,
    wit: Path | None = None,
    stub_wasi: bool = False,
    packages: Iterable[Path] | None = None,
) -> list[str]:
    """Builds the check in ``entry`` and writes the component to ``out``; its capabilities.

    ``wit`` is a folder with the world ``guest`` and the contract, as ``probity build`` makes it; without it a world is
    made of what the check imports. ``packages`` are the folders where installed packages are looked for, by default those of
    the environment that runs this, and never those of the whole machine.

    Raises :class:`BuildError` with what componentize-py said when it could not.
    """
    capabilities = scan(entry)
    if entry.stem in ("guest", "probity_check", _ENTRY):
        raise BuildError(f"{entry.name} cannot be called so: rename it, check.py for instance")
    with tempfile.TemporaryDirectory(prefix="probity-build-") as temporary:
        folder = Path(temporary)
        (folder / "world.wit").write_text(world(capabilities), encoding="utf-8")
        worlds = [wit] if wit is not None else [_contract(), folder / "world.wit"]
        text = f'"""The component\'s entry."""\nimport {entry.stem}\nfrom probity_check import _check, _sandbox\n'
        text += "from probity_check._guest import Checker\nimport gc\n_check.only()\n_sandbox.close()\n"
        # What is in the snapshot stays: looking through it for garbage would touch, and so copy, all of its memory.
        text += "gc.collect()\ngc.freeze()\n"
        (folder / f"{_ENTRY}.py").write_text(text, encoding="utf-8")
        made = folder / "component.wasm"
        command = [*_componentize_py(), "--quiet", *(word for path in worlds for word in ("-d", str(path)))]
        command += ["-w", _WORLD, "componentize", _ENTRY, "-o", str(made), *(["--stub-wasi"] if stub_wasi else [])]
        installed = [path.resolve() for path in (_own_packages() if packages is None else packages)]
        for path in (folder, entry.parent.resolve(), _PACKAGE.parent, *_linked(installed)):
            command += ["-p", str(path)]
        # componentize-py adds the packages of this environment to the path; without one, those of the whole machine.
        (folder / "none" / "lib" / "site-packages").mkdir(parents=True)
        environment = {**os.environ, "VIRTUAL_ENV": str(folder / "none"), "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode != 0:
            raise BuildError(_complaint(done.stdout + done.stderr, installed))
        _replace(out, made.read_bytes())
    return capabilities


def _own_packages() -> list[Path]:
    """Where the packages of the environment are that runs this; nowhere outside of one."""
    return [Path(sysconfig.get_path("purelib"))] if sys.prefix != sys.base_prefix else []


def _linked(folders: list[Path]) -> list[Path]:
    """The folders, and those that they lead to: packages that are installed to be edited are named by a ``.pth`` file."""
    found = list(folders)
    for folder in folders:
        for file in sorted(folder.glob("*.pth")):
            lines = [line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
            named = [(folder / line).resolve() for line in lines if line and not line.startswith(("import ", "import\t", "#"))]
            found += [path for path in named if path.is_dir() and path not in found]
    return found


#: What CPython calls itself in a component: ``3.14.0 (…) [Clang …]``.
_VERSION = re.compile(rb"\b(3\.\d{1,2}\.\d{1,2}(?:[abc]\d+|rc\d+)?\+?) \([^()\x00]{1,80}\) ?\n?\[Clang ")


def version_in(component: Path) -> str | None:
    """The version of Python that a component holds."""
    found = _VERSION.search(component.read_bytes())
    return found[1].decode() if found else None


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


def _complaint(said: str, packages: list[Path]) -> str:
    """What componentize-py said, without its own stack, and what to do where that is known."""
    lines = said.strip().splitlines()
    end = next((at for at, line in enumerate(lines) if line.startswith(("Stack backtrace", "Caused by"))), len(lines))
    text = "\n".join(lines[:end]).strip() or said.strip() or "componentize-py failed and said nothing"
    missing = re.search(r"No module named '([A-Za-z_][\w.]*)'", text)
    if missing is None:
        return text
    name = missing[1].lstrip("_").split(".")[0] if missing[1].startswith("_") else missing[1].split(".")[0]
    if native := _native(missing[1].split(".")[0], packages):
        return f"{text}\n{native}: a component takes pure Python only"
    where = ", ".join(str(path) for path in packages) or "no environment: make one with python3 -m venv .venv"
    if missing[1].split(".")[0] in sys.stdlib_module_names:
        return f"{text}\n{name} is a part of Python that components have not"
    return f"{text}\n{name} is not installed; looked in {where}. A component takes the packages of the folder's .venv"


def _native(name: str, packages: list[Path]) -> str | None:
    """A package with native code, which is why its modules are not found."""
    for folder in packages:
        found = [*folder.glob(f"{name}/**/*.so"), *folder.glob(f"{name}/**/*.pyd"), *folder.glob(f"{name}.*.so")]
        if found:
            return f"{name} has native code ({min(found).relative_to(folder)})"
    return None


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
    command.add_argument("--packages", type=Path, action="append", help="folder of installed packages, in place of our own")
    command.add_argument("--no-packages", dest="packages", action="store_const", const=[], help="no installed packages")
    command.add_argument("--stub-wasi", action="store_true", help="no WASI: print, time and random then trap or repeat")
    given = parser.parse_args(arguments)
    try:
        capabilities, notes = look(given.entry)
        said: dict[str, object] = {"capabilities": capabilities, "notes": notes}
        if given.command == "component":
            component(given.entry, given.out, given.wit, given.stub_wasi, given.packages)
            said["python"] = version_in(given.out)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
