"""template.yaml as plain data, for tests that read it and for those that make its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """The safe loader, with the short forms of CloudFormation's functions read as their long forms."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.ScalarNode)
        value = loader.construct_scalar(node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)

with (ROOT / "template.yaml").open(encoding="utf-8") as _file:
    TEMPLATE: dict[str, Any] = yaml.load(_file, _Loader)

RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a type, by logical id."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def table_request(declared: dict[str, Any]) -> dict[str, Any]:
    """Return what CreateTable takes to make a table as it is declared, its TTL and its backups apart."""
    wanted = {
        key: declared[key]
        for key in ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        if key in declared
    }
    if "StreamSpecification" in declared:
        wanted["StreamSpecification"] = {"StreamEnabled": True, **declared["StreamSpecification"]}
    return wanted


def referred(value: dict[str, Any]) -> str:
    """Return the logical id that a Ref or a GetAtt names."""
    name: str = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    assert name in RESOURCES or name in TEMPLATE["Parameters"]
    return name
