"""The architecture, read from the syntax trees: imports point left, no cycles, nothing too long, nothing left out."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("model", "rtl", "sim", "analysis")
"""Left to right: each may import itself and what stands before it."""
LINES = 400
ELSEWHERE = {"analysis/dram_check/litedram_core.py"}
"""Run by environments of their own, with packages that ours does not have."""
OF_QUALITY = {"analysis/study/scores.py", "tests/analysis/test_study.py"}
"""Imported by `normq quality --compute` alone, after the extra of its name was asked for."""

OF_NOTEBOOKS = ("analysis/notebooks/", "tests/analysis/test_notebooks.py")
"""Loaded by `normq notebooks` alone, which says what is missing: may import what the extra `notebooks` brings."""
OF_DEVELOPERS = {"analysis/bench/training.py"}
"""Loaded by `normq bench` alone, which says what is missing: may import what the extra `dev` brings."""
FILES = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split("\n")
SOURCES = sorted(name for name in FILES if name.endswith(".py") and (ROOT / name).is_file())
PACKAGED = [name for name in SOURCES if not name.startswith("tests/")]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _module(name: str) -> tuple[str, ...]:
    """The dotted name of a file, under normq: ("model", "config"); () for the root."""
    parts = Path(name).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {_module(name) for name in PACKAGED}


def _imports(name: str) -> Iterator[tuple[str, ...]]:
    """The modules of normq that file `name` imports, as far as the path names a module."""
    package = Path(name).parent.parts
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.Import):
            found = [tuple(alias.name.split(".")) for alias in node.names if alias.name.split(".")[0] == "normq"]
            yield from (parts[1:] for parts in found)
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = package[: len(package) - (node.level - 1)] + module
            elif module[:1] == ("normq",):
                base = module[1:]
            else:
                continue
            for alias in node.names:
                yield (*base, alias.name) if (*base, alias.name) in MODULES else base


def test_imports_reach_modules_that_exist() -> None:
    """Guards the tests below: an import that they cannot follow would be one that they do not check."""
    lost = [(name, parts) for name in PACKAGED for parts in _imports(name) if parts not in MODULES]
    assert lost == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_point_left(folder: str) -> None:
    allowed = {(), *((name,) for name in FOLDERS[: FOLDERS.index(folder) + 1])}
    sources = [name for name in PACKAGED if name.startswith(f"{folder}/")]
    assert sources
    wrong = [(name, parts) for name in sources for parts in _imports(name) if parts[:1] not in allowed]
    assert wrong == []


def test_rtl_takes_only_formats_and_layout_from_the_model() -> None:
    """The golden kernels and the RTL must not share arithmetic, or one bug would hide in both."""
    rtl = [name for name in PACKAGED if name.startswith("rtl/")]
    assert [(name, parts) for name in rtl for parts in _imports(name) if parts[:2] == ("model", "golden")] == []


def test_no_modules_import_each_other() -> None:
    graph = {_module(name): set(_imports(name)) - {_module(name)} for name in PACKAGED}
    TopologicalSorter(graph).prepare()  # raises CycleError, which shows the cycle


def test_no_import_inside_a_function() -> None:
    found = [
        f"{name}:{inner.lineno}"
        for name in SOURCES
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_no_source_is_too_long() -> None:
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in [*SOURCES, "sim/memory/memory.sv"]}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_every_package_is_installed() -> None:
    folders = {Path(name).parent for name in PACKAGED}
    names = {".".join(("normq", *folder.parts)) for folder in folders}
    assert names == set(SETTINGS["tool"]["setuptools"]["packages"])
    assert [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()] == []


def test_every_data_file_is_installed() -> None:
    """Whatever lies in a package and is no Python is named as its data."""
    patterns: dict[str, list[str]] = SETTINGS["tool"]["setuptools"]["package-data"]
    named = {
        path.relative_to(ROOT)
        for package, globs in patterns.items()
        for pattern in globs
        for path in ROOT.joinpath(*package.split(".")[1:]).glob(pattern)
    }
    data = {Path(name) for name in FILES if name.startswith(tuple(f"{folder}/" for folder in FOLDERS))}
    assert {path for path in data if path.suffix != ".py" and (ROOT / path).is_file()} - named == set()


def test_every_import_is_a_declared_dependency() -> None:
    declared = _distributions([*SETTINGS["project"]["dependencies"]])
    dev = declared | _distributions([*SETTINGS["project"]["optional-dependencies"]["dev"]])
    quality = _distributions([*SETTINGS["project"]["optional-dependencies"]["quality"]])
    notebooks = _distributions([*SETTINGS["project"]["optional-dependencies"]["notebooks"]])
    owners = packages_distributions()
    for name in sorted({*SOURCES} - ELSEWHERE):
        allowed = dev if name.startswith("tests/") or name in OF_DEVELOPERS else declared
        if name in OF_QUALITY:
            allowed = allowed | quality
        if name.startswith(OF_NOTEBOOKS):
            allowed = allowed | notebooks
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Import):
                tops = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                tops = {(node.module or "").split(".")[0]}
            else:
                continue
            for top in tops - set(sys.stdlib_module_names) - {"normq"}:
                assert _normal(owners.get(top, [top])) & allowed, f"{name}: {top} is not declared"


def _distributions(requirements: list[str]) -> set[str]:
    return _normal([re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in requirements])


def _normal(names: list[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def test_every_dependency_was_pinned() -> None:
    pinned = _distributions((ROOT / "constraints.txt").read_text().splitlines())
    extras = SETTINGS["project"]["optional-dependencies"].values()
    asked = [*SETTINGS["project"]["dependencies"], *(requirement for extra in extras for requirement in extra)]
    assert _distributions(asked) - pinned == set()


def test_no_machine_path_is_named() -> None:
    pattern = re.compile(r"(?<![\w.~-])/(?:work|root|tmp|home)/")
    named: list[str] = []
    for name in filter(None, FILES):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".sv", ".json"} or name in {"Makefile", ".ci/run"}:
            lines = path.read_text().splitlines() if path.is_file() else []
            named += [f"{name}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    assert named == []


def test_type_checker_sees_the_folders() -> None:
    """pyright passes on nothing when `include` names hidden paths."""
    assert {*FOLDERS, "tests"} <= set(SETTINGS["tool"]["pyright"]["include"])


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None
    listed = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert listed == set(targets[1].split()) - {"system", "waves", "chromium"}
