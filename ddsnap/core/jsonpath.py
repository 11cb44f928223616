"""RFC 9535 JSONPath: a query is checked as a whole when it is read, and a mistake has its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from iregexp_check import check as is_iregexp
from jsonpath_rfc9535 import JSONPathEnvironment
from jsonpath_rfc9535.exceptions import JSONPathError, JSONPathSyntaxError
from jsonpath_rfc9535.filter_expressions import IntegerLiteral, StringLiteral
from jsonpath_rfc9535.parse import Parser
from jsonpath_rfc9535.segments import JSONPathChildSegment
from jsonpath_rfc9535.selectors import NameSelector

from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from jsonpath_rfc9535.query import JSONPathQuery
    from jsonpath_rfc9535.tokens import Token, TokenStream

    from ddsnap.core.fields import Parts
    from ddsnap.core.values import JSON

_LONGEST: Final = 4000
_DEEPEST: Final = 200
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")

# What the library's messages hold for its own developers.
_NOISE = re.compile(r" <TokenType[^>]*>|(?: starting)? at index \d+")


class QueryError(UsageError):
    """A query is not RFC 9535; ``offset`` counts the characters before the mistake."""

    def __init__(self, message: str, hint: str = "", *, offset: int = 0) -> None:
        super().__init__(message, hint)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query on the list that holds one document."""

    text: str
    compiled: JSONPathQuery

    def selects(self, document: JSON) -> bool:
        """Whether the query finds anything in the list that holds ``document`` alone."""
        try:
            return next(iter(self.compiled.finditer([document])), None) is not None
        except (JSONPathError, RecursionError):
            raise QueryError("a query goes too deep to be followed in a document") from None


@dataclass(frozen=True, slots=True)
class Places:
    """A compiled query for places in a document, which is ``$``."""

    text: str
    compiled: JSONPathQuery

    def find(self, document: JSON) -> dict[Parts, JSON]:
        """Return what stands at each place that the query names, in its order."""
        try:
            found = self.compiled.finditer(document)
            return {node.location: cast("JSON", node.value) for node in found}
        except (JSONPathError, RecursionError):
            raise QueryError("a query goes too deep to be followed in a document") from None


def compile_query(text: str) -> Query:
    """Read a query on the list that holds one document, as ``$[?@.name == "x"]``."""
    compiled = _compile(text)
    _refuse_names(compiled)
    return Query(text, compiled)


def compile_places(text: str) -> Places:
    """Read a query for places in a document, as ``$..query``."""
    return Places(text, _compile(text))


def _compile(text: str) -> JSONPathQuery:
    if len(text) > _LONGEST:
        raise QueryError("the query is too long", f"keep it to {_LONGEST} characters")
    try:
        return _ENVIRONMENT.compile(text)
    except JSONPathError as error:
        offset = error.token.index if error.token else 0
        message = _NOISE.sub("", str(error.args[0]))
        raise QueryError(message, _hint(message), offset=offset) from None
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None


def _refuse_names(compiled: JSONPathQuery) -> None:
    """Refuse ``$.name``: a list has no members, so that it would never find anything."""
    first = next(iter(compiled.segments), None)
    if isinstance(first, JSONPathChildSegment) and all(
        isinstance(selector, NameSelector) for selector in first.selectors
    ):
        hint = 'the query is on a list that holds one document: write $[?@.name == "x"]'
        raise QueryError("a list has no members", hint, offset=1)


def _hint(message: str) -> str:
    if "non-singular" in message:
        return 'of several values, test each: @.tags[?@ == "x"]'
    if "I-Regexp" in message:
        return r"match() and search() take RFC 9485: [0-9] for \d, [A-Za-z0-9_] for \w"
    return 'as in $[?@.name == "x"]; see RFC 9535'


class _Parser(Parser):
    """The library's parser, with integers of any size; it rounds them to doubles."""

    def parse_integer_literal(self, stream: TokenStream) -> IntegerLiteral:
        token = stream.current
        if _INTEGER.fullmatch(token.value):
            return IntegerLiteral(token, int(token.value))
        try:
            return super().parse_integer_literal(stream)  # type: ignore[return-value]
        except OverflowError:
            raise JSONPathSyntaxError("the number is too large", token=token) from None


class _Environment(JSONPathEnvironment):
    """RFC 9535 as it stands, but for a pattern that can never match: that is a mistake."""

    parser_class = _Parser
    max_recursion_depth = _DEEPEST

    def validate_function_extension_signature(self, token: Token, args: list[Any]) -> list[Any]:
        checked = super().validate_function_extension_signature(token, args)
        pattern = checked[-1] if token.value in ("match", "search") else None
        if isinstance(pattern, StringLiteral) and not is_iregexp(pattern.value):
            raise JSONPathSyntaxError("the pattern is no I-Regexp", token=pattern.token)
        return checked


_ENVIRONMENT: Final = _Environment()
