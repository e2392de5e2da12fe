"""Reading a dashboard's YAML.

Nothing but a `DefinitionError` leaves `read`, whatever the text: a definition may come from a user one day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml

from tidemark.domain.definitions import PERSONAL, Dashboard, Measure, Series, title_of
from tidemark.domain.errors import DefinitionError
from tidemark.domain.events import MAX_TYPE_CHARACTERS
from tidemark.domain.hourly import RESERVED
from tidemark.domain.kinds import KINDS
from tidemark.domain.numeric import LARGEST, canonical

OPERATORS = frozenset({"eq", "ne", "gt", "gte", "lt", "lte", "in", "exists"})
UNITS = frozenset({"count", "bytes", "percent", "milliseconds", "seconds", "minutes", "hours"})
MAX_ROWS = 100
MAX_POINTS = 168
MAX_DECIMALS = 6
MAX_INSIGHTS = 20

_COMPARISONS = frozenset({"gt", "gte", "lt", "lte"})
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "limit": frozenset({"top"}),
    "public": frozenset({"top"}),
    "missing": frozenset({"last", "top", "unique"}),  # a text stands in: no other kind folds one
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELD = re.compile(r"(properties|context)(\.[A-Za-z0-9_$-]+)+|anonymous_id|user_id|session_id|type")
_SHOWN_KEYS = {"kind", "title", "unit", "about", "better", "decimals"}
_MEASURE_KEYS = _SHOWN_KEYS | {"events", "field", "where", "limit", "percentile", "missing", "public"}
_RATIO_KEYS = _SHOWN_KEYS | {"of", "over", "percent"}


def read(text: str, file: str) -> Dashboard:
    """Return the dashboard that the YAML `text` of `file` declares; raises `DefinitionError`."""
    return _Reader(file).dashboard(_parse(text, file))


def _parse(text: str, file: str) -> Any:
    """Return the one document of `text`."""
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            node = loader.get_single_node()
            _refuse_repeated_keys(node, "", file, set())
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except DefinitionError:
        raise
    except Exception as error:  # YAMLError, but also what a bad date, an odd tag (`!!int x`) or deep nesting raises
        raise DefinitionError(f"{file}: not YAML that can be read: {error}") from error


def _refuse_repeated_keys(node: yaml.Node | None, at: str, file: str, seen: set[int]) -> None:
    """Raise for a key that stands twice in a mapping: YAML forbids it, its parsers keep the last in silence."""
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, at, file, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                path = f"{at}.{key.value}".lstrip(".")
                if key.value in keys:
                    raise DefinitionError(f"{file}: {path}: stands twice", field=path)
                keys.add(key.value)
                _refuse_repeated_keys(value, path, file, seen)


class _Reader:
    """Reads one file; every complaint names it and the field."""

    def __init__(self, file: str) -> None:
        self.file = file

    def dashboard(self, raw: Any) -> Dashboard:
        known = {"name", "title", "measures", "kpis", "charts", "tabs", "timelines", "insights"}
        top = self.mapping(raw, "", known)
        name = self.name(top.get("name"), "name")
        declared = self.mapping(top.get("measures"), "measures")
        measures = {self.name(key, "measures"): self.measure(key, value) for key, value in declared.items()}
        for measure in measures.values():
            for part in ("of", "over") if measure.kind == "ratio" else ():
                self.reference(measure.options[part], measures, f"measures.{measure.name}.{part}", scalar=True)
        charts = self.mapping(top.get("charts", {}), "charts")
        tabs = self.mapping(top.get("tabs", {}), "tabs")
        return Dashboard(
            name=name,
            title=self.text(top.get("title", title_of(name)), "title"),
            measures=measures,
            kpis=self.references(top.get("kpis"), measures, "kpis", scalar=True),
            charts=tuple(self.series(key, value, measures) for key, value in charts.items()),
            tabs={self.name(tab, "tabs"): self.references(v, measures, f"tabs.{tab}") for tab, v in tabs.items()},
            timelines=self.timelines(top.get("timelines", {})),
            insights=self.whole(top["insights"], 1, MAX_INSIGHTS, "insights") if "insights" in top else 0,
        )

    def measure(self, name: str, raw: Any) -> Measure:
        at = f"measures.{name}"
        if name in RESERVED:
            self.fail(at, "is the name of another column of the hourly table")
        kind = self.one_of(self.mapping(raw, at).get("kind"), {*KINDS, "ratio"}, f"{at}.kind")
        if kind == "ratio":
            return self.ratio(name, self.mapping(raw, at, _RATIO_KEYS))
        spec = self.mapping(raw, at, _MEASURE_KEYS)
        if KINDS[kind].needs_field != ("field" in spec):
            self.fail(f"{at}.field", "is needed" if KINDS[kind].needs_field else "has no meaning for a count")
        if (kind == "percentile") != ("percentile" in spec):
            self.fail(f"{at}.percentile", "belongs to kind percentile, which needs it, and to no other")
        for option, kinds in _OPTIONAL.items():
            if option in spec and kind not in kinds:
                self.fail(f"{at}.{option}", f"has a meaning for kind {' or '.join(sorted(kinds))} only")
        return Measure(
            kind=kind,
            **self.shown(name, spec, "count"),
            events=self.texts(spec.get("events"), f"{at}.events"),
            field=self.field(spec["field"], f"{at}.field") if "field" in spec else None,
            where=self.conditions(spec.get("where", {}), f"{at}.where"),
            missing=self.text(spec["missing"], f"{at}.missing") if "missing" in spec else None,
            options=self.options(kind, spec, at),
            public=self.public(spec, at),
        )

    def ratio(self, name: str, spec: Mapping[str, Any]) -> Measure:
        at = f"measures.{name}"
        percent = spec.get("percent", False)
        if not isinstance(percent, bool):
            self.fail(f"{at}.percent", "is true or false")
        options = {part: self.text(spec.get(part), f"{at}.{part}") for part in ("of", "over")}
        return Measure(
            kind="ratio",
            **self.shown(name, spec, "percent" if percent else "count"),
            options=options | {"percent": percent},
        )

    def shown(self, name: str, spec: Mapping[str, Any], unit: str) -> dict[str, Any]:
        """Return how a measure is shown; `unit` is the one that it has unless declared."""
        at = f"measures.{name}"
        found: dict[str, Any] = {
            "name": name,
            "title": self.text(spec.get("title", title_of(name)), f"{at}.title"),
            "unit": self.one_of(spec.get("unit", unit), UNITS, f"{at}.unit"),
        }
        if "about" in spec:
            found["about"] = self.text(spec["about"], f"{at}.about")
        if "better" in spec:
            found["better"] = self.one_of(spec["better"], {"higher", "lower"}, f"{at}.better")
        if "decimals" in spec:
            found["decimals"] = self.whole(spec["decimals"], 0, MAX_DECIMALS, f"{at}.decimals")
        return found

    def series(self, name: str, raw: Any, measures: Mapping[str, Measure]) -> Series:
        at = f"charts.{name}"
        spec = self.mapping(raw, at, {"title", "measure", "grain", "last"})
        grain = self.one_of(spec.get("grain"), {"day", "hour"}, f"{at}.grain")
        if (grain == "hour") != ("last" in spec):
            self.fail(f"{at}.last", "is the number of hours of a series by hour, and of no other")
        last = self.whole(spec["last"], 1, MAX_POINTS, f"{at}.last") if grain == "hour" else 0
        measure = self.text(spec.get("measure"), f"{at}.measure")
        self.reference(measure, measures, f"{at}.measure", scalar=True)
        return Series(
            self.name(name, at), self.text(spec.get("title", title_of(name)), f"{at}.title"), measure, grain, last
        )

    def timelines(self, raw: Any) -> Mapping[str, tuple[str, ...]]:
        """Return the fields that a timeline shows, by the type of the event; a type may show none."""
        declared = self.mapping(raw, "timelines")
        for event_type, fields in declared.items():
            at = f"timelines.{event_type}"
            if not 1 <= len(event_type) <= MAX_TYPE_CHARACTERS:
                self.fail(at, f"is a type of 1 to {MAX_TYPE_CHARACTERS} characters")
            if not isinstance(fields, list):
                self.fail(at, "is a list of fields")
            for field in fields:
                self.field(field, at)
        return {event_type: tuple(dict.fromkeys(fields)) for event_type, fields in declared.items()}

    def public(self, spec: Mapping[str, Any], at: str) -> bool:
        """Return whether the values of a top list may be told to whoever analyses it."""
        public = spec.get("public", False)
        if not isinstance(public, bool) or (public and spec.get("field") in PERSONAL):
            self.fail(f"{at}.public", "is true or false, and never true of ids, which name people")
        return public

    def options(self, kind: str, spec: Mapping[str, Any], at: str) -> Mapping[str, Any]:
        if kind == "top":
            return {"limit": self.whole(spec.get("limit", 10), 1, MAX_ROWS, f"{at}.limit")}
        if kind == "percentile":
            return {"percentile": self.whole(spec["percentile"], 1, 99, f"{at}.percentile")}
        return {}

    def conditions(self, raw: Any, at: str) -> Mapping[str, Mapping[str, Any]]:
        result = {}
        for name, condition in self.mapping(raw, at).items():
            where = f"{at}.{name}"
            operators = self.mapping(condition if isinstance(condition, dict) else {"eq": condition}, where, OPERATORS)
            if not operators:
                self.fail(where, "has no condition")
            result[self.field(name, where)] = {
                operator: self.operand(operator, operand, f"{where}.{operator}")
                for operator, operand in operators.items()
            }
        return result

    def operand(self, operator: str, raw: Any, at: str) -> Any:
        """Return the one form of an operand, so that equal meanings have equal identities."""
        if operator == "exists":
            return raw if isinstance(raw, bool) else self.fail(at, "is true or false")
        if operator == "in":
            if not isinstance(raw, list) or not raw:
                self.fail(at, "is a list of values, at least one")
            distinct = {json.dumps(self.scalar(item, at)) for item in raw}
            return [json.loads(text) for text in sorted(distinct)]
        if operator in _COMPARISONS and (isinstance(raw, bool) or not isinstance(raw, int | float)):
            self.fail(at, "is a number")
        return self.scalar(raw, at)

    def scalar(self, raw: Any, at: str) -> str | bool | int | float:
        if isinstance(raw, str | bool):
            return raw
        if not isinstance(raw, int | float) or not -LARGEST <= raw <= LARGEST:
            self.fail(at, "is a text, a truth value or a finite number within 2^53 - 1")
        return canonical(raw)

    def references(self, raw: Any, measures: Mapping[str, Measure], at: str, scalar: bool = False) -> tuple[str, ...]:
        names = self.texts(raw, at)
        for name in names:
            self.reference(name, measures, at, scalar)
        return names

    def reference(self, name: str, measures: Mapping[str, Measure], at: str, scalar: bool) -> None:
        if name not in measures:
            self.fail(at, f"names no measure: {name!r}")
        if scalar and measures[name].kind in ("top", "last"):
            self.fail(at, f"needs a number, which {name!r} is not")
        if at.startswith("measures.") and measures[name].kind == "ratio":
            self.fail(at, f"cannot divide a ratio: {name!r}")

    def mapping(self, raw: Any, at: str, known: set[str] | frozenset[str] | None = None) -> Mapping[str, Any]:
        if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
            self.fail(at or "the file", "is a mapping with names as keys")
        unknown = sorted(set(raw) - known) if known is not None else []
        if unknown:
            self.fail(f"{at}.{unknown[0]}".lstrip("."), "is not known here")
        return raw

    def texts(self, raw: Any, at: str) -> tuple[str, ...]:
        if not isinstance(raw, list) or not raw or not all(isinstance(item, str) and item for item in raw):
            self.fail(at, "is a list of names, at least one")
        if len(set(raw)) < len(raw):
            self.fail(at, "names something twice")
        return tuple(raw)

    def text(self, raw: Any, at: str) -> str:
        if not isinstance(raw, str) or not raw:
            self.fail(at, "is a text")
        return raw

    def name(self, raw: Any, at: str) -> str:
        if not isinstance(raw, str) or not _NAME.fullmatch(raw):
            self.fail(at, f"holds a name of a-z, 0-9 and _, not {raw!r}")
        return raw

    def field(self, raw: Any, at: str) -> str:
        if not isinstance(raw, str) or not _FIELD.fullmatch(raw):
            self.fail(at, f"is a field like properties.path or anonymous_id, not {raw!r}")
        return raw

    def one_of(self, raw: Any, known: set[str] | frozenset[str], at: str) -> str:
        if not isinstance(raw, str) or raw not in known:
            self.fail(at, f"is one of {', '.join(sorted(known))}")
        return raw

    def whole(self, raw: Any, least: int, most: int, at: str) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
            self.fail(at, f"is a whole number from {least} to {most}")
        return raw

    def fail(self, at: str, why: str) -> NoReturn:
        raise DefinitionError(f"{self.file}: {at}: {why}", field=at)
