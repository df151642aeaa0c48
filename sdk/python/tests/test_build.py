"""Which capabilities a check imports is found without running it."""

import json

import pytest

from probity_check import build


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder / "check.py"


def test_every_form_of_import_counts(tmp_path):
    check = write(
        tmp_path,
        check="from probity_check import Outcome, check, http, log as l\nimport probity_check.sql\nimport helper\n",
        helper="def f():\n    from probity_check.redis import open\n    from probity_check import state\n",
        unrelated="from probity_check import tcp\n",
    )
    assert build.scan(check) == ["state", "http", "sql", "redis"]


def test_packages_beside_the_check_count(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("")
    (tmp_path / "lib" / "names.py").write_text("from probity_check import dns\n")
    assert build.scan(write(tmp_path, check="from lib import names\n")) == ["dns"]


def test_the_world_holds_what_is_imported_and_no_more():
    text = build.world(["http"])
    assert "include probity:check/check@0.1.0;" in text and text.count("import probity:check/") == 1


def test_broken_sources_are_told_with_their_place(tmp_path, capsys):
    assert build.main(["scan", str(write(tmp_path, check="def :\n"))]) == 1
    assert "check.py" in capsys.readouterr().err
    assert build.main(["scan", str(tmp_path / "gone.py")]) == 1


def test_scan_prints_json(tmp_path, capsys):
    assert build.main(["scan", str(write(tmp_path, check="from probity_check import tls\n"))]) == 0
    assert json.loads(capsys.readouterr().out) == {"capabilities": ["tls"], "notes": []}


def test_libraries_that_cannot_work_are_named_with_what_does(tmp_path):
    text = "import json, urllib.parse\nimport requests.adapters\nfrom urllib import request\nimport helper\nimport redis\n"
    check = write(tmp_path, check=text, helper="import urllib.request\nfrom concurrent import futures\n", redis="")
    found = build.look(check)[1]
    assert found == [
        "helper.py:2 imports concurrent.futures, which wants threads: a component has none; use http.send_all of "
        "probity_check, which asks side by side",
        "check.py:2 imports requests, which wants sockets: a component has none; use from probity_check import http",
        "check.py:3 imports urllib.request, which wants sockets: a component has none; use from probity_check import http",
    ]


def test_what_is_not_found_is_told_with_where_was_looked(tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "_core.cpython-311.so").write_bytes(b"")
    said = build._complaint("ModuleNotFoundError: No module named 'numpy._core'\n", [tmp_path])
    assert said.endswith("numpy has native code (numpy/_core.cpython-311.so): a component takes pure Python only")
    said = build._complaint("ModuleNotFoundError: No module named 'humanize'\n", [tmp_path])
    assert f"humanize is not installed; looked in {tmp_path}" in said
    assert "make one with python3 -m venv" in build._complaint("No module named 'humanize'", [])
    assert "a part of Python that components have not" in build._complaint("No module named '_ssl'", [])


def test_packages_that_are_installed_to_be_edited_are_found(tmp_path):
    site, source = tmp_path / "site", tmp_path / "source"
    site.mkdir(), source.mkdir()
    (site / "_editable.pth").write_text(f"import something\n# word\n\n{source}\n/no/such/folder\n")
    assert build._linked([site]) == [site, source]


def test_the_version_of_python_is_read_from_a_component(tmp_path):
    (tmp_path / "a.wasm").write_bytes(b"\0asm 3.1.4 (x) \x003.14.0 (tags/v3.14.0:abc, Oct  7 2025, 00:00:00) [Clang 19.1]\0")
    assert build.version_in(tmp_path / "a.wasm") == "3.14.0"


def test_names_that_collide_are_refused(tmp_path):
    entry = tmp_path / "guest.py"
    entry.write_text("")
    with pytest.raises(build.BuildError, match="rename it"):
        build.component(entry, tmp_path / "out.wasm")
