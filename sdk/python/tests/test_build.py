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
    assert json.loads(capsys.readouterr().out) == {"capabilities": ["tls"]}


def test_names_that_collide_are_refused(tmp_path):
    entry = tmp_path / "guest.py"
    entry.write_text("")
    with pytest.raises(build.BuildError, match="rename it"):
        build.component(entry, tmp_path / "out.wasm")
