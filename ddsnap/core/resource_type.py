"""The vocabulary that a resource type is declared in.

A declaration says what is true of a type at Datadog; it holds no behaviour. Field paths are written
``attributes.bindings[*].principals``: dots between members, ``[*]`` for each element of a list,
``**`` for any depth. They start at the item as Datadog answers it, without its envelope.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ddsnap.core.values import JSON, JSONObject


def paths(text: str) -> tuple[str, ...]:
    """Read field paths, or names, that stand one after another in one text."""
    return tuple(text.split())


def absent(
    *,
    null: str = "",
    empty: str = "",
    blank: str = "",
    false: str = "",
    values: Mapping[str, tuple[JSON, ...]] | None = None,
) -> dict[str, tuple[JSON, ...]]:
    """Group the fields whose defaults equal absence by what they are.

    ``null`` alone; an ``empty`` list, a ``blank`` text or ``false``, each beside null; ``values``
    name the others.
    """
    alike: tuple[tuple[str, tuple[JSON, ...]], ...] = (
        (null, (None,)),
        (empty, ([], None)),
        (blank, ("", None)),
        (false, (False, None)),
    )
    return {path: equal for text, equal in alike for path in paths(text)} | dict(values or {})


@dataclass(frozen=True)
class Pages:
    """How a listing is cut into pages, and what proves that the last one was reached.

    ``number``: ``param`` counts pages. ``offset``: ``param`` counts items. ``after``: ``param`` is
    the id of the last item seen, so that items which move between pages are neither lost nor
    doubled. ``cursor``: the next value of ``param`` stands at ``cursor`` in the answer.
    """

    style: Literal["number", "offset", "after", "cursor"]
    param: str
    size_param: str
    size: int
    total: str = ""
    """Where the answer says how many items there are; without it an empty page ends the listing."""
    cursor: str = ""


@dataclass(frozen=True)
class Call:
    """One request. Placeholders in ``path`` are ``{id}`` or the names of id parts."""

    method: str
    path: str
    envelope: str | None = None
    """The member that wraps the item in the request; ``None`` takes the type's."""
    answer: str | None = None
    """Where the item stands in the answer; ``None`` takes the envelope."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, JSON] | None = None
    """A fixed body, with ``{id}`` in its strings, where the item itself is not sent."""


@dataclass(frozen=True)
class Write(Call):
    """A creation or an update that takes something else than all that people decide."""

    takes: tuple[str, ...] = ()
    """The only fields that it takes; none: all of them."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Fields that take the value of another one."""
    adds: Mapping[str, JSON] = field(default_factory=dict)
    """What every body must hold, by field: the value where the document has none."""
    gives: Mapping[str, JSON] = field(default_factory=dict)
    """What a created resource has although the creation did not say so."""
    mend: Callable[[JSONObject], JSONObject] | None = None
    """What the document needs so that the API takes it; its meaning stays."""
    patches: str = ""
    """The JSON:API type of an update that is a JSON Patch: it names nothing that stays."""
    permissions: tuple[str, ...] = ()
    """Those one of which it needs, where not all of the type's will do."""
    pending: str = ""
    """What is made waits for people, who are told so in these words: *2 users are ...*"""


@dataclass(frozen=True)
class IdPart:
    """One part of an id made of several: its placeholder, its place in the body, its type."""

    name: str
    at: str
    to: str = ""


@dataclass(frozen=True)
class Discover:
    """Where the ids of a type without a listing come from.

    ``objects`` maps a type to the prefix of its ids (``dashboards`` -> ``dashboard:<id>``);
    ``mentions`` takes the ids that references in other documents, earlier snapshots and the
    configuration name.
    """

    objects: Mapping[str, str] = field(default_factory=dict)
    mentions: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a resource that has an API of its own: members of a list, roles of a user."""

    at: str
    read: Call
    write: Call | None = None
    """Replaces all elements."""
    add: Call | None = None
    """Puts the resource's own reference on ``{item}``, the id of one element."""
    remove: Call | None = None
    keep: tuple[str, ...] = ()
    """The members of each element that are configuration; the rest is the other resource's."""


@dataclass(frozen=True)
class Shape:
    """A pair of inverse functions where what is read differs in shape from what is written."""

    read: Callable[[JSONObject, Sequence[JSONObject]], JSONObject]
    """(item, the answer's ``included``) -> the item as it is written."""
    write: Callable[[JSONObject], JSONObject]


@dataclass(frozen=True)
class Variants:
    """Endpoints chosen by a field of the body; ``wrap``: the JSON:API type of some."""

    by: str
    paths: Mapping[str, str]
    wrap: Mapping[str, str] = field(default_factory=dict)
    deletes: Mapping[str, Call] = field(default_factory=dict)
    """How those are deleted that the type's own call does not reach."""


@dataclass(frozen=True)
class Toggle:
    """A boolean that is set by name through two bulk calls."""

    at: str
    names: str
    on: Call
    off: Call


@dataclass(frozen=True)
class Named:
    """Ids of a read-only table that differ between orgs and are stored by their stable name."""

    at: str
    lookup: str


@dataclass(frozen=True)
class Among:
    """Values that must be among what stands ``beside`` a listing's own, as far as they start so.

    ``but`` is a field and its value that mark documents which are written without them.
    """

    at: str
    beside: str
    starts: tuple[str, ...]
    but: tuple[str, str] | None = None


@dataclass(frozen=True)
class Quiet:
    """What keeps a resource silent when it is created in another org.

    ``value`` is what stands at ``at``, or with ``element`` one of what the list there holds.
    """

    at: str
    value: JSON
    element: bool = False


@dataclass(frozen=True)
class Masked:
    """A secret that the API answers to nobody: what says that it is there are other members.

    A marker stands at ``at`` wherever its siblings have the values ``when``, and the resource has
    nothing at the paths ``unless``, whether or not a value came.
    """

    at: str
    when: Mapping[str, JSON]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demand:
    """What a text must hold, lest Datadog refuses what it took once: a regular expression."""

    at: str
    pattern: str
    why: str


@dataclass(frozen=True)
class TextRef:
    """A grammar for references inside text.

    ``pattern`` is a regular expression whose group ``id`` is the reference; ``within`` first cuts
    out the stretches of text in which it may stand. ``soft`` references do not block: the text
    stays valid when its target is missing.
    """

    pattern: str
    to: tuple[str, ...]
    by: str = ""
    within: str = ""
    soft: bool = False
    wanted: str = ""
    """A literal that the text must hold, as a cheap first test."""


@dataclass(frozen=True)
class Ref:
    """A place that refers to another resource.

    ``by`` is the field of the target that is named there (default: its id). ``when`` is a sibling
    member and the values of it under which the place is a reference at all. ``prefixed`` maps the
    prefix of ``prefix:id`` values to a type.
    """

    at: str
    to: tuple[str, ...] = ()
    by: str = ""
    when: tuple[str, tuple[str, ...]] | None = None
    like: str = ""
    """A list: ``when`` asks the element of it that has the same ``name``."""
    starts: str = ""
    """Only values that start with this are references."""
    prefixed: Mapping[str, str] = field(default_factory=dict)
    text: tuple[TextRef, ...] = ()
    soft: bool = False


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A kind of resource, as Datadog has it."""

    name: str
    area: str
    path: str
    title: str = ""

    # --- reading
    items: str = "data"
    """Where the listing's items stand in its answer; empty: the answer is the list itself."""
    envelope: str = "data"
    """The member that wraps one item, in requests and answers; empty: none."""
    pages: Pages | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    also: tuple[Mapping[str, str], ...] = ()
    """Further listings at the same path, by what their queries add: the first leaves them out."""
    detail: bool = False
    """The listing's items are incomplete: each resource needs a request of its own."""
    hint: str = ""
    """A field of the listing's items that every edit moves."""
    item_path: str = ""
    """The path of one resource; default ``path/{id}``, or ``path`` where the id is constant."""
    direct: bool = True
    """One resource can be read by itself, which is what proves that it is gone."""
    item_query: Mapping[str, str] = field(default_factory=dict)
    id: str = "id"
    parts: tuple[IdPart, ...] = ()
    constant_id: str = ""
    """The id of a singleton or an order: there is one per org, or one per parent."""
    parent: str = ""
    """The type whose ids fill the first placeholder of ``path``."""
    discover: Discover | None = None
    variants: Variants | None = None
    sections: tuple[Section, ...] = ()
    shape: Shape | None = None
    named: tuple[Named, ...] = ()
    nothing_when_empty: str = ""
    """A resource whose field of this name is empty is no resource: it says *unrestricted*."""
    orders: str = ""
    """An order: the type whose ids it lists."""
    members: str = ""
    """An order: where it lists them."""
    skip: tuple[str, tuple[str, ...]] | None = None
    """A field and its values (none: any value) that mark items which are not ours to capture."""
    keep: tuple[str, str] | None = None
    """A field and the prefix of its values that mark the items which are ours to capture."""
    beside: str = ""
    """What the other items are, whose ids documents may name: a word of people's."""
    gone: tuple[int, ...] = (404, 410)
    """Statuses of a direct read that say the resource does not exist."""
    ends: str = ""
    """Where a resource says when it ends by itself: gone after that, nobody deleted it."""
    ends_by: Callable[[JSONObject], datetime | None] | None = None
    """Tells the same of a document where no field does."""
    disabled: str = ""
    """A field that is true of what was deleted and is listed all the same."""

    # --- the kinds of fields; what stands nowhere here is configuration
    fields: str = ""
    """The configuration fields that Datadog documents, to tell a new one from a known one."""
    identity: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    secret_maps: tuple[str, ...] = ()
    """Headers or parameters, of which only what its name or form gives away is a secret. A text
    that holds such a map as JSON is one as a whole, if any of it is."""
    masked: tuple[Masked, ...] = ()
    create_only: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    """Fields that make it another resource: with another value there, no update of it can be."""
    update_only: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    defaults: Mapping[str, tuple[JSON, ...]] = field(default_factory=dict)
    """Values that equal absence."""
    injected: Mapping[str, tuple[JSON, ...]] = field(default_factory=dict)
    """Elements that the server puts into a list by itself, by the field that holds the list."""
    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Values that the server takes for one another, by field."""
    created_at: str = ""
    """Where a resource says when it was made: one of its provenance fields."""
    modified_at: str = ""
    modified_by: str = ""

    # --- writing
    create: Call | None = None
    create_if: tuple[tuple[str, JSON, Call], ...] = ()
    """(field, value, call): how resources with this value are created instead."""
    update: Call | None = None
    delete: Call | None = None
    undelete: Call | None = None
    """Brings back what was deleted, under its old id."""
    irreversible: str = ""
    """Why a deletion needs a consent of its own, in words: nothing brings back what it takes."""
    checks: tuple[Call, Call] | None = None
    """What says of a new document, and of a changed one, whether it would be taken."""
    toggle: Toggle | None = None
    merges: tuple[str, ...] | None = None
    """The objects of which an update leaves alone what it does not name (empty: the body itself);
    without a word of it, the attributes in a PATCH and nothing in a PUT."""
    clears: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    """What an update says to clear a field, if not its default or null; nothing: it cannot."""
    repeats: tuple[str, ...] = ()
    """Fields of a creation that an update must name again."""
    spares: tuple[str, ...] = ()
    """Fields that an update names only to change them."""
    keeps_secrets: tuple[str, ...] = ()
    """Secrets that stay as they are when an update leaves them out."""
    keeps_others: tuple[str, ...] = ()
    """Lists in which elements that only the destination has are kept."""
    timely: Callable[[JSONObject, JSONObject | None, datetime], JSONObject] | None = None
    """(document, the destination's, now) -> the document as it can be written now."""
    to_come: Callable[[JSONObject, datetime], JSONObject] | None = None
    """(document, now) -> the document without what is over: by that it is known again."""
    id_in_body: bool = False
    """An update carries the destination's id in its body."""
    quiet: tuple[Quiet, ...] = ()
    """What it gets between two orgs, so that nobody is woken before the migration is done."""
    among: tuple[Among, ...] = ()
    demands: tuple[Demand, ...] = ()
    """What is demanded today of documents that may be older."""
    uploads: tuple[str, ...] = ()
    """Where a document names files whose content the API shows to nobody."""
    later: tuple[str, ...] = ()
    """Elements that are nothing without what they refer to, and can be written after the rest."""
    sheds: tuple[str, ...] = ()
    """Lists that are written without the elements whose targets are not there."""
    superseded: tuple[str, ...] = ()
    """Restrictions that a policy takes the place of: between orgs only one of them is written."""
    override: Mapping[str, str] = field(default_factory=dict)
    """What a write adds to its query where it may shut its own sender out."""
    duplicate: str = ""
    """A regular expression for the refusal of a second one: its group ``id`` is the first's id."""
    natural_key: tuple[str, ...] = ()
    """The fields by which Datadog itself tells two resources apart."""
    key_if: tuple[tuple[str, JSON, tuple[str, ...]], ...] = ()
    """(field, value, fields): what tells apart those with this value, whose ``natural_key`` Datadog
    makes up: that is as little people's as an id."""
    built_in: tuple[tuple[str, JSON], ...] = ()
    """(field, value) pairs that mark what people do not own: it is mapped by key, never written."""
    owned: str = "belongs to Datadog"
    """How that is told of such a resource; what is a part of it is as little people's."""
    automatic: bool = False
    """Such resources come by themselves: that one is not there is no trouble."""
    read_only: tuple[str, str] | None = None
    """A field that is true of what only its author may change, and the field that names him."""
    held: str = ""
    """The title of the one that somebody must hold, lest nobody can administrate the org."""
    administers: str = ""
    """The name, out of a table, that lets whoever holds such a resource administrate the org."""
    held_roles: tuple[str, ...] = ()
    """Lists of roles each of which somebody active must hold when it is created."""
    restricts: bool = False
    """Other resources are restricted to it: what is restricted to a lost one must not open."""
    presets: bool = False
    """Datadog has some of its own, with the same id in every org, that no listing names."""
    arrives: tuple[str, str] | None = None
    """How a built-in resource comes to an org without it, in words about the value of a field."""
    stays_away: tuple[str, ...] = ()
    """Titles of built-in resources that nothing brings to an org, and that nobody misses."""
    built_in_key: tuple[str, ...] = ()
    """The key of built-in resources, whatever their case, where the others have none."""

    # --- references
    refs: tuple[Ref, ...] = ()
    permissions: tuple[str, ...] = ()
    """What the application key must be allowed, to read and to write."""

    @property
    def one_path(self) -> str:
        """The path of one resource, with its placeholders."""
        return self.item_path or (self.path if self.constant_id else f"{self.path}/{{id}}")


class Catalog:
    """The types that a run knows, by name, in the order in which they are read."""

    def __init__(
        self,
        types: Sequence[ResourceType],
        *,
        lookups: Sequence[ResourceType] = (),
        known_refs: Sequence[Ref] = (),
        rules: int = 1,
    ) -> None:
        self.types = tuple(types)
        self.lookups = {lookup.name: lookup for lookup in lookups}
        self.known_refs = tuple(known_refs)
        """References known by the member's name, at any depth of any type: ``at`` is that name,
        or some that lead to it."""
        self.rules = rules
        """The version of the normalization; it rises with every change to what is stored."""
        self._by_name = {type_.name: type_ for type_ in types}

    def __getitem__(self, name: str) -> ResourceType:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str) -> ResourceType | None:
        """Return the type of this name, if there is one."""
        return self._by_name.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all types."""
        return tuple(self._by_name)
