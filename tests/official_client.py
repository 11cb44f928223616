"""Request bodies read by the models of Datadog's own client, which name what they cannot parse."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import datadog_api_client.v1.api
import datadog_api_client.v2.api
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import OpenApiException
from datadog_api_client.model_utils import (
    ModelComposed,
    ModelNormal,
    ModelSimple,
    OpenApiModel,
    UnparsedObject,
    validate_and_convert_types,
)
from specification import find_operation, nameless

if TYPE_CHECKING:
    from collections.abc import Iterator


AMBIGUOUS = "more than one alternative parses it"


class Complaint(NamedTuple):
    """A place that a model does not parse, and why."""

    at: str
    why: str

    def __str__(self) -> str:
        return f"{self.at or '(body)'}: {self.why}"


KNOWS_LESS = {
    r"/widgets/.*/compute/aggregation": (
        AMBIGUOUS,
        "an aggregation of a retention query is one of two plain texts, so never just one",
    ),
    r"/widgets/.*/definition/requests/\d+": (
        AMBIGUOUS,
        "a wildcard's request of a histogram reads as that of three other widgets too",
    ),
    r"/widgets/.*": (
        "Required value type is int and passed type was float",
        "the layout of a free dashboard holds fractions",
    ),
    r"/tabs/\d+": (
        "must be a mapping, not str",
        "a tab names its widgets by position (@1) or by number",
    ),
}
"""What Datadog takes though the client cannot parse it: place, complaint, what recordings hold."""


def unparsed(method: str, path: str, body: Any) -> list[str]:
    """Name every place of a request's body that the client should parse, and does not."""
    return [str(one) for one in complaints(method, path, body) if exception_for(one) is None]


def exception_for(complaint: Complaint) -> str | None:
    """The place in the table of what the client knows less of, if it stands there."""
    for place, (why, _) in KNOWS_LESS.items():
        if re.fullmatch(place, complaint.at) and why in complaint.why:
            return place
    return None


def complaints(method: str, path: str, body: Any) -> list[Complaint]:
    """Name every place of a request's body that the client's model of it does not parse."""
    operation = find_operation(method, path)
    if operation is None:
        raise LookupError(f"the specification has no {method} {path}")
    model = _models().get(operation.key)
    if body is None:
        return []
    return _parsed(body, model, "") if model else [Complaint("", "the client sends none here")]


def _parsed(raw: Any, model: Any, at: str) -> list[Complaint]:
    """What a model, which is a tuple of classes, does not parse of a value."""
    try:
        value = validate_and_convert_types(raw, model, [], True, True, Configuration())
    except (OpenApiException, TypeError) as error:  # the latter where an argument is missing
        return [Complaint(at, str(error).partition(" at [")[0])]
    return list(_inside(value, raw, model, at))


def _inside(value: Any, raw: Any, model: Any, at: str) -> Iterator[Complaint]:
    """Walk a parsed value along with the value that it was made of and the classes declared."""
    if isinstance(value, UnparsedObject):
        yield from _cause(raw, model, at)
    elif isinstance(value, ModelComposed):
        for one in value._composed_instances:
            yield from _inside(one, raw, (type(value),), at)
    elif isinstance(value, ModelSimple) and not isinstance(value.value, list):
        if value._unparsed:
            yield Complaint(at, f"{type(value).__name__} has no {value.value!r}")
    elif isinstance(value, ModelSimple):
        yield from _inside(value.value, raw, type(value).openapi_types["value"], at)
    elif isinstance(value, ModelNormal):
        for name, member in value._data_store.items():
            key = value.attribute_map.get(name, name)
            inner = value.openapi_types.get(name, value.additional_properties_type or ())
            if key in raw:  # a constant may stand in the model alone
                yield from _inside(member, raw[key], inner, f"{at}/{key}")
    elif isinstance(value, (list, tuple, dict)):
        of = next((one for one in model if isinstance(one, (list, dict))), ())
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        inner = tuple(of) if isinstance(of, list) else of.get(str, ()) if of else ()
        for step, element in steps:
            yield from _inside(element, raw[step], inner, f"{at}/{step}")


def _cause(raw: Any, model: Any, at: str) -> list[Complaint]:
    """Why a value was not parsed: where the alternative that comes nearest fails."""
    classes = [one for one in model if isinstance(one, type) and issubclass(one, OpenApiModel)]
    if len(classes) == 1 and issubclass(classes[0], ModelComposed):
        classes = classes[0]._composed_schemas["oneOf"]
    tried = [_parsed(raw, (one,), at) for one in classes]
    if sum(not found for found in tried) > 1:
        return [Complaint(at, AMBIGUOUS)]
    depths = [min((one.at.count("/") for one in found), default=0) for found in tried]
    nearest = tried[depths.index(max(depths))] if tried else []
    return nearest or [Complaint(at, "no model parses it")]


@cache
def _models() -> dict[tuple[str, str], Any]:
    """What each operation takes, by method and path, as the client's own endpoints say."""
    found = {}
    with ApiClient(Configuration()) as client:
        for package in (datadog_api_client.v1.api, datadog_api_client.v2.api):
            for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
                for endpoint in _endpoints(importlib.import_module(module.name), client):
                    settings, body = endpoint.settings, endpoint.params_map.get("body")
                    key = settings["http_method"], nameless(settings["endpoint_path"])
                    found[key] = body["openapi_types"] if body else None
    return found


def _endpoints(module: Any, client: ApiClient) -> Iterator[Any]:
    for name, api in vars(module).items():
        if name.endswith("Api"):
            made = vars(api(client)).items()
            yield from (one for attribute, one in made if attribute.endswith("_endpoint"))
