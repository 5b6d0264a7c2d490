"""A stranger's policy passes the type checkers: mypy --strict with and without pydantic's plug-in, and pyright in strict mode.

They come with the extra ``dev``; where they are not installed these tests are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STRANGER = ROOT / "tests" / "typing" / "stranger.py"
CACHE = ROOT / ".mypy_cache" / "stranger"
needs_mypy = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed: pip install 'custrules[dev]'")
needs_pyright = pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed: pip install 'custrules[dev]'")


def mypy(tmp_path: Path, plugins: str, file: Path = STRANGER) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nstrict = true\nplugins = {plugins}\n")
    cache = CACHE / (plugins or "bare")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(cache), str(file)]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def pyright(tmp_path: Path, file: Path = STRANGER) -> list[str]:
    """The rules and messages of every error."""
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps({"include": [str(file)], "typeCheckingMode": "strict", "extraPaths": sys.path[1:]}))
    command = [sys.executable, "-m", "pyright", "--project", str(config), "--pythonpath", sys.executable, "--outputjson"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    return [f"{found['range']['start']['line'] + 1}: {found['message']}" for found in json.loads(told.stdout)["generalDiagnostics"]]


def wrong(tmp_path: Path) -> Path:
    """The same file with a slip: what a fact holds is taken for something else."""
    file = tmp_path / "wrong.py"
    right = "assert_type(view.fact(self.visits), int | None)"
    text = STRANGER.read_text("utf-8")
    assert right in text
    file.write_text(text.replace(right, "assert_type(view.fact(self.visits), str | None)"), "utf-8")
    return file


@needs_mypy
@pytest.mark.parametrize("plugins", ["", "pydantic.mypy"], ids=["without the plug-in", "with the plug-in"])
def test_a_strangers_policy_passes_mypy_strict(tmp_path: Path, plugins: str) -> None:
    told = mypy(tmp_path, plugins)
    assert told.returncode == 0, told.stdout + told.stderr


@needs_mypy
def test_mypy_finds_a_strangers_slip(tmp_path: Path) -> None:
    told = mypy(tmp_path, "", wrong(tmp_path))
    assert told.returncode == 1
    assert "assert-type" in told.stdout


@needs_pyright
def test_a_strangers_policy_passes_pyright_strict(tmp_path: Path) -> None:
    assert pyright(tmp_path) == []


@needs_pyright
def test_pyright_finds_a_strangers_slip(tmp_path: Path) -> None:
    (found,) = pyright(tmp_path, wrong(tmp_path))
    assert "assert_type" in found
