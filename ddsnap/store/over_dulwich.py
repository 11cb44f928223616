"""Fetch and push where no git is installed. Credential helpers are git's, and so not asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from dulwich.client import (
    GitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    LocalGitClient,
    get_transport_and_path,
)
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.objects import ObjectID
from dulwich.refs import Ref

from ddsnap.errors import RemoteError, StoreError
from ddsnap.store.ancestry import relation
from ddsnap.store.program import without_credentials
from ddsnap.store.transfer import Pushed, branch_ref, not_sent, tracking_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from dulwich.pack import UnpackedObject

    from ddsnap.store.repository import Repository

_ERRORS: Final = (
    GitProtocolError,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    NotGitRepository,
    OSError,
    ValueError,
)


class OverDulwich:
    """A remote at the address that git's configuration gives."""

    def __init__(self, repo: Repository, name: str, url: str, push_url: str) -> None:
        self._repo = repo
        self._name = name
        self._urls = {"pull": url, "push": push_url}

    def tips(self, branches: Sequence[str]) -> dict[str, str]:
        """Return the commits of those branches that the remote has."""
        with self._asking("pull") as (client, path):
            refs = client.get_refs(path.encode()).refs
        found = {branch: refs.get(_ref(branch)) for branch in branches}
        return {branch: sha.decode() for branch, sha in found.items() if sha}

    def get(self, tips: Mapping[str, str], *, shallow: bool) -> None:
        """Bring the commits here, with their past: dulwich cuts no history."""
        del shallow
        wanted = [ObjectID(sha.encode()) for sha in tips.values()]
        lacking = [sha for sha in wanted if sha not in self._repo.raw.object_store]
        if lacking:
            with self._asking("pull") as (client, path):
                client.fetch(path, self._repo.raw, determine_wants=lambda *_, **__: lacking)
        self._track(tips)

    def deepen(self, branch: str, steps: int | None) -> bool:
        """Leave it to git."""
        del branch, steps
        return False

    def send(self, commits: Mapping[str, str]) -> dict[str, Pushed]:
        """Push all or none; where the remote cannot, in order until one is not taken."""
        try:
            return self._send(commits, atomic=True)
        except RemoteError as error:
            if "atomic" not in error.message:
                return not_sent(commits, error.message)
        done: dict[str, Pushed] = {}
        for branch, commit in commits.items():
            if any(pushed.state != "accepted" for pushed in done.values()):
                done[branch] = Pushed(
                    branch, commit, "rejected", "the branch before it was not taken"
                )
                continue
            try:
                done |= self._send({branch: commit}, atomic=False)
            except RemoteError as error:
                done |= not_sent({branch: commit}, error.message)
        return done

    def _send(self, commits: Mapping[str, str], *, atomic: bool) -> dict[str, Pushed]:
        moved: list[str] = []

        def choose(there: dict[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            moved.extend(
                b for b, sha in commits.items() if not self._follows(sha, there.get(_ref(b)))
            )
            return {} if moved else {_ref(b): ObjectID(sha.encode()) for b, sha in commits.items()}

        with self._asking("push") as (client, path):
            sent = client.send_pack(path.encode(), choose, self._objects, atomic=atomic)
        if moved:
            reason = f"{moved[0]} has moved at the remote"
            return {b: Pushed(b, sha, "rejected", reason) for b, sha in commits.items()}
        status = sent.ref_status or {}
        refused = {b: status.get(_ref(b)) for b in commits}
        self._track({b: sha for b, sha in commits.items() if not refused[b]})
        return {b: _pushed(b, sha, refused[b]) for b, sha in commits.items()}

    def _follows(self, commit: str, there: ObjectID | None) -> bool:
        """Tell whether a commit may take the place of what the remote has."""
        if there is None:
            return True
        try:
            return relation(self._repo, commit, there.decode()) in ("same", "ahead")
        except StoreError:  # what the remote has was never here
            return False

    def _objects(
        self,
        have: AbstractSet[ObjectID],
        want: AbstractSet[ObjectID],
        *,
        ofs_delta: bool = True,
        progress: Callable[[bytes], None] | None = None,
    ) -> tuple[int, Iterator[UnpackedObject]]:
        raw = self._repo.raw
        return raw.object_store.generate_pack_data(
            have, want, shallow=raw.get_shallow(), ofs_delta=ofs_delta, progress=progress
        )

    def _track(self, tips: Mapping[str, str]) -> None:
        for branch, sha in tips.items():
            ref = Ref(tracking_ref(self._name, branch).encode())
            self._repo.raw.refs.set_if_equals(ref, None, ObjectID(sha.encode()))

    @contextmanager
    def _asking(self, operation: str) -> Iterator[tuple[GitClient, str]]:
        url = self._urls[operation]
        try:
            client, path = get_transport_and_path(url, self._repo.config, operation)
            if isinstance(client, LocalGitClient):
                path = str(self._repo.path / path)
            yield client, path
        except _ERRORS as error:
            said = without_credentials(f"{error or type(error).__name__}")
            raise RemoteError(f"the remote {self._name} did not answer: {said}") from None


def _ref(branch: str) -> Ref:
    return Ref(branch_ref(branch).encode())


def _pushed(branch: str, commit: str, refused: str | None) -> Pushed:
    if not refused:
        return Pushed(branch, commit, "accepted")
    moved = any(word in refused for word in ("unable to set", "atomic", "lock", "fast-forward"))
    return Pushed(branch, commit, "rejected" if moved else "failed", refused)
