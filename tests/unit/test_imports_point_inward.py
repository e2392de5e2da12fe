"""The layers: domain knows nothing, services know domain and ports, adapters know both; read from the source itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "core" / "tidemark"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").glob("*/*.py"))
MAX_LINES = 300


def part_of(path: Path) -> str:
    """Return the part of the package that a module belongs to: `domain`, `services`, `aws`, `http` or its own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def each_module(*parts: str, but: frozenset[str] = frozenset()) -> pytest.MarkDecorator:
    """Try a test on every module of some parts, of all if none is named."""
    chosen = [module for module in MODULES if (not parts or part_of(module) in parts) and part_of(module) not in but]
    return pytest.mark.parametrize("module", chosen, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def imports_of(path: Path, *, lazy: bool = True) -> Iterator[str]:
    """Yield the full names that a module imports, `a.b` for `from a import b`; without `lazy` only on loading it."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes += ast.iter_child_nodes(node)


def foreign(path: Path, *, lazy: bool = True) -> set[str]:
    """Return the third-party packages that a module imports."""
    top = {name.partition(".")[0] for name in imports_of(path, lazy=lazy)}
    return top - sys.stdlib_module_names - {"tidemark"}


def own(path: Path) -> set[str]:
    """Return the parts of the package that a module imports."""
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("tidemark.")}


@each_module()
def test_nothing_in_the_layer_imports_a_function_or_a_tool(module: Path) -> None:
    top = {name.partition(".")[0] for name in imports_of(module)}
    assert not top & {"functions", "local", "tests", "benchmarks", "tidemark_cli"}


@each_module("domain")
def test_the_domain_imports_the_standard_library_itself_and_small_pure_packages(module: Path) -> None:
    assert own(module) <= {"domain"}
    assert foreign(module) <= {"rfc8785", "yaml", "jwt"}


@each_module("services")
def test_services_import_the_domain_the_ports_and_the_wire(module: Path) -> None:
    assert own(module) <= {"domain", "services", "wire"}
    assert not foreign(module)


@each_module("wire")
def test_the_wire_imports_no_further_than_the_services(module: Path) -> None:
    assert own(module) <= {"domain", "services"}
    assert not foreign(module)


@each_module(but=frozenset({"aws"}))
def test_only_the_aws_adapters_import_boto3(module: Path) -> None:
    assert not foreign(module) & {"boto3", "botocore"}


@each_module(but=frozenset({"aws", "bootstrap", "analysis", "administration", "websocket"}))
def test_only_what_wires_the_parts_together_imports_the_aws_adapters(module: Path) -> None:
    assert "aws" not in own(module)


@each_module("aws")
def test_the_aws_adapters_know_no_entry_point(module: Path) -> None:
    assert not own(module) & {"http", "bootstrap", "websocket"}


@each_module(but=frozenset({"http"}))
def test_fastapi_stays_in_http(module: Path) -> None:
    assert not foreign(module) & {"fastapi", "starlette", "mangum", "pydantic"}


@each_module()
def test_modules_are_short(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) < MAX_LINES


def test_packages_that_few_functions_need_are_imported_late() -> None:
    """PyYAML and PyJWT: whoever neither renders nor verifies a token starts without them."""
    eager = {module.stem for module in MODULES if foreign(module, lazy=False) & {"yaml", "jwt"}}
    assert eager <= {"definition_reader"}
    importers = [module.stem for module in MODULES if "tidemark.domain.definition_reader.read" in imports_of(module)]
    assert importers == ["definitions"]
    assert "tidemark.domain.definition_reader.read" not in imports_of(PACKAGE / "domain" / "definitions.py", lazy=False)


def test_duckdb_is_imported_by_the_archive_alone_which_is_wired_late() -> None:
    assert {module.stem for module in MODULES if "duckdb" in foreign(module)} == {"parquet"}
    importers = {m.stem for m in MODULES if any(name.startswith("tidemark.aws.parquet.") for name in imports_of(m))}
    assert importers == {"archive"}
    wired = "tidemark.aws.archive.S3Archive"
    assert wired in imports_of(PACKAGE / "bootstrap.py")
    assert not [module for module in MODULES if wired in imports_of(module, lazy=False)]


@pytest.mark.parametrize("handler", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_imports_only_the_layer_and_its_own_requirements(handler: Path) -> None:
    top = {name.partition(".")[0] for name in imports_of(handler)} - sys.stdlib_module_names
    assert top <= {"tidemark", "mangum", "aws_lambda_powertools"}


def test_there_is_something_to_look_at() -> None:
    assert {"domain", "services", "aws", "http"} <= {part_of(module) for module in MODULES}
    assert {"boto3", "botocore"} & {name for module in MODULES for name in foreign(module)}
