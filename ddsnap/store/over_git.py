"""Fetch and push by the system's git, which knows credentials, ssh and proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.errors import RemoteError
from ddsnap.store.program import run_git
from ddsnap.store.transfer import Pushed, branch_ref, not_sent, tracking_ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddsnap.store.program import Ran
    from ddsnap.store.repository import Repository

_FETCH: Final = (
    "-c",
    "fetch.unpackLimit=1",  # a pack each, as everything else here
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
)
_PUSH: Final = ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no")
_MOVED: Final = (
    "atomic",
    "cannot lock ref",
    "failed to update ref",
    "fetch first",
    "incorrect old value",
    "non-fast-forward",
    "remote ref updated since checkout",
    "stale info",
)
"""Words for: the remote's branch is not where the push took it to be."""


class OverGit:
    """A remote as git's configuration describes it."""

    def __init__(self, repo: Repository, name: str, git: str, patience: float) -> None:
        self._repo = repo
        self._name = name
        self._git = git
        self._patience = patience

    def tips(self, branches: Sequence[str]) -> dict[str, str]:
        """Return the commits of those branches that the remote has."""
        wanted = {branch_ref(branch): branch for branch in branches}
        listed = self._must("ls-remote", "--", self._name, *wanted)
        lines = (line.partition("\t") for line in listed.splitlines())
        return {wanted[ref]: sha for sha, _, ref in lines if ref in wanted}

    def get(self, tips: Mapping[str, str], *, shallow: bool) -> None:
        """Bring the commits here; a copy of each branch keeps them from being pruned."""
        depth = ["--depth=1"] if shallow else []
        self._must(*_FETCH, *depth, "--", self._name, *map(self._refspec, tips))

    def deepen(self, branch: str, steps: int | None) -> bool:
        """Bring more of a branch's past here."""
        more = "--unshallow" if steps is None else f"--deepen={steps}"
        self._must(*_FETCH, more, "--", self._name, self._refspec(branch))
        return True

    def send(self, commits: Mapping[str, str]) -> dict[str, Pushed]:
        """Push all or none; where the remote cannot, in order until one is not taken."""
        ran = self._push(commits, "--atomic")
        if ran.code and "atomic" in ran.said and "not support" in ran.said:
            return self._send_in_turn(commits)
        return _results(ran, commits)

    def _send_in_turn(self, commits: Mapping[str, str]) -> dict[str, Pushed]:
        done: dict[str, Pushed] = {}
        for branch, commit in commits.items():
            if any(pushed.state != "accepted" for pushed in done.values()):
                done[branch] = Pushed(
                    branch, commit, "rejected", "the branch before it was not taken"
                )
                continue
            one = {branch: commit}
            done |= _results(self._push(one), one)
        return done

    def _push(self, commits: Mapping[str, str], *options: str) -> Ran:
        specs = [f"{commit}:{branch_ref(branch)}" for branch, commit in commits.items()]
        return self._run(*_PUSH, *options, "--", self._name, *specs)

    def _refspec(self, branch: str) -> str:
        return f"+{branch_ref(branch)}:{tracking_ref(self._name, branch)}"

    def _run(self, *words: str) -> Ran:
        return run_git(self._repo, self._git, words, self._patience)

    def _must(self, *words: str) -> str:
        ran = self._run(*words)
        if ran.code:
            raise RemoteError(f"the remote {self._name} did not answer: {ran.reason}")
        return ran.out


def _results(ran: Ran, commits: Mapping[str, str]) -> dict[str, Pushed]:
    """Read what git prints for machines: flag, from:to, and a summary with the reason."""
    lines = (line.split("\t") for line in ran.out.splitlines())
    told = {parts[1].rpartition(":")[2]: parts for parts in lines if len(parts) == 3}
    if not told:
        return not_sent(commits, ran.reason)
    results = {}
    for branch, commit in commits.items():
        flag, _, summary = told.get(branch_ref(branch), ("!", "", ran.reason))
        if flag != "!":
            results[branch] = Pushed(branch, commit, "accepted")
            continue
        moved = any(word in summary for word in _MOVED)
        results[branch] = Pushed(branch, commit, "rejected" if moved else "failed", summary)
    return _together(results)


def _together(results: dict[str, Pushed]) -> dict[str, Pushed]:
    """Where one branch was refused for good, the others were left out for its sake."""
    reasons = [pushed.reason for pushed in results.values() if pushed.state == "failed"]
    if not reasons:
        return results
    return {
        name: Pushed(name, pushed.commit, "failed", reasons[0])
        if "atomic" in pushed.reason
        else pushed
        for name, pushed in results.items()
    }
