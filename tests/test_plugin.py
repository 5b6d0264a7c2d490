"""A kind of policy that another distribution ships: built, installed beside the library without network, and met in other processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

HERE = Path(__file__).parent / "plugin"
PROGRAM = (HERE / "coffee.yaml").read_text("utf-8")


def ran(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the plug-in's wheel is installed; built from a copy, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(HERE, folder / "source")
    built = ran([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")], source)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (folder / "dist").glob("acme_stamps-1.2.0-*.whl")
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", "--no-compile"]
    installed = ran([sys.executable, "-m", "pip", "install", *options, "--target", str(folder / "site"), str(wheel)], folder)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return folder / "site"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "coffee.yaml").write_text(PROGRAM, "utf-8")
    shutil.copy(HERE / "coffee.scenarios.yaml", tmp_path)
    return tmp_path


def python(site: Path, folder: Path, code: str) -> str:
    """What code prints in another process in which the plug-in is installed."""
    paths = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = ran([sys.executable, "-c", f"import custrules as cr\n{code}"], folder, PYTHONPATH=paths, PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


FAULTS = """
try:
    cr.{how}
except cr.DocumentError as error:
    for fault in error.diagnostics:
        print(fault.line, fault.column, fault.code, sep=":")
    print(error)
"""


def test_load_meets_the_kind_and_imports_nothing_else_of_its_distribution(site: Path, shop: Path) -> None:
    code = """
import sys
print(*[type(policy).__name__ for policy in cr.load('coffee.yaml').policies])
print(*sorted(name for name in sys.modules if 'acme' in name))
"""
    assert python(site, shop, code).splitlines() == ["Account Stamps Stamps", "acme_stamps acme_stamps.stamps"]


def test_loads_imports_no_plug_in(site: Path, shop: Path) -> None:
    told = python(site, shop, FAULTS.format(how="loads(open('coffee.yaml').read())") + "import sys\nprint([m for m in sys.modules if 'acme' in m])")
    assert told.splitlines()[:2] == ["8:22:document.unknown_kind", "9:23:document.unknown_kind"]
    assert told.splitlines()[-1] == "[]"


def test_faults_in_its_fields_have_line_and_column(site: Path, shop: Path) -> None:
    broken = (
        PROGRAM.replace("every: 10", "evry: 10")
        .replace("waits: 7 days", "waits: a while")
        .replace("stamps: cups, every: 3", "stamps: mugs, every: 3")
    )
    (shop / "coffee.yaml").write_text(broken, "utf-8")
    first, second, *_ = python(site, shop, FAULTS.format(how="load('coffee.yaml')")).splitlines()
    lines = broken.splitlines()
    assert first == f"8:{lines[7].index('evry') + 1}:document.unknown_field"
    assert second == f"9:{lines[8].index('a while') + 1}:document.wrong_type"


def test_a_fact_that_it_names_is_looked_up(site: Path, shop: Path) -> None:
    (shop / "coffee.yaml").write_text(PROGRAM.replace("stamps: cups, every: 3", "stamps: mugs, every: 3"), "utf-8")
    (place, *_) = python(site, shop, FAULTS.format(how="load('coffee.yaml')")).splitlines()
    assert place == f"9:{PROGRAM.splitlines()[8].index('cups') + 1}:document.unknown_fact"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("acme.broken", "raised RuntimeError: the stamp machine is out of order"), ("acme.thawed", "not frozen")],
)
def test_a_broken_kind_names_its_distribution_and_version(site: Path, shop: Path, kind: str, said: str) -> None:
    (shop / "coffee.yaml").write_text(
        PROGRAM.replace("kind: acme.stamps, stamps: cups, every: 10", f"kind: {kind}, stamps: cups, every: 10"), "utf-8"
    )
    place, *told = python(site, shop, FAULTS.format(how="load('coffee.yaml')")).splitlines()
    assert place == "8:22:document.bad_plugin"
    assert "acme-stamps 1.2.0" in told[-1]
    assert said in told[-1]


LIVED = """
from custrules.testing import history
past = history(cr.load("coffee.yaml")).on("2026-03-01")
for _ in range(3):
    past = past.purchase("30").later("1 day")
print(cr.render(past.last, "{lang}"))
"""


@pytest.mark.parametrize(("lang", "said"), [("en", "Stamp 3; 7 to a full card."), ("zh", "已集 3 枚印花，还差 7 枚集满一张。")])
def test_its_reasons_are_told_in_both_languages(site: Path, shop: Path, lang: str, said: str) -> None:
    assert said in python(site, shop, LIVED.format(lang=lang))


def test_its_scenarios_run(site: Path, shop: Path) -> None:
    told = python(site, shop, "from custrules.testing.scenarios import run\nprint([result.passed for result in run('coffee.scenarios.yaml')])")
    assert told == "[True, True]"


def test_a_program_with_it_pickles_across_processes(site: Path, shop: Path) -> None:
    digest = python(site, shop, "import pickle\np = cr.load('coffee.yaml')\nopen('p', 'wb').write(pickle.dumps(p))\nprint(p.digest)")
    assert python(site, shop, "import pickle\nprint(pickle.load(open('p', 'rb')).digest)") == digest


def test_it_keeps_the_contract(site: Path, shop: Path) -> None:
    (shop / "coffee.yaml").write_text(PROGRAM.replace("every: 10", "every: 2").replace("every: 3", "every: 2"), "utf-8")
    code = """
from custrules.testing import check_policy
program = cr.load("coffee.yaml")
seen = set().union(*(check_policy(policy, program=program, examples=30) for policy in program.policies[1:]))
print(*sorted(seen))
"""
    assert python(site, shop, code) == "acme.stamps.gift acme.stamps.lapsed acme.stamps.points acme.stamps.stamped"
