"""What people do wrong: each mistake is named with the way out, and costs nothing recorded."""

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

GIVING_UP = ("--retries", "0", "--timeout", "5s")
KEY = "0123456789abcdef0123456789abcdef"
NOBODY = 65534
ORG = "version: 1\norgs:\n  us1: "


@pytest.fixture
def backup(console):
    """An org with one snapshot, which has changed since."""
    org = console.add("us1", size=20)
    assert console("capture", "-q").code == 0
    assert org.edit(random.Random(1), 5)
    return console


@pytest.fixture
def check_fails(backup):
    """Run a command that must fail with a code and say some words in at most three lines."""

    def run(*argv, code, says, records=False):
        kept = ("main", "snapshots/us1", *(() if records else ("journal/us1",)))
        before = [backup.tip(branch) for branch in kept]
        done = backup(*argv)
        check_answered(done.code, done.out, done.err, code=code, says=says)
        assert [backup.tip(branch) for branch in kept] == before
        if records:
            assert backup.journal("us1")["state"] == "failed"
        return done

    return run


def check_answered(got, out, err, *, code, says):
    assert got == code, err
    assert out == ""
    assert err.startswith("error: "), err
    assert len(err.splitlines()) in (1, 2, 3), err
    assert "Traceback" not in err
    for words in says:
        assert words in err, err


def configured(console, text):
    (console.path / "ddsnap.yaml").write_text(text)


# --- keys


def test_keys_of_another_org(backup, check_fails):
    other = backup.sandbox.add_org("other", seed=3, size=5)
    backup.use_keys("us1", other.api_key, other.app_key)
    check_fails(
        "capture", code=6, says=["the keys of us1 belong to org", "check which keys are set"]
    )
    check_fails("diff", "us1", code=6, says=["the keys of us1 belong to org"])


@pytest.mark.parametrize(
    ("api_key", "app_key", "says"),
    [
        ("wrong", "", ["us1: the API key was refused", "is it a key of this org"]),
        ("", "wrong", ["us1: the API key is good, but the application key was refused"]),
    ],
)
def test_a_wrong_key(backup, check_fails, api_key, app_key, says):
    org = backup.sandbox.orgs["us1"]
    backup.use_keys("us1", api_key or org.api_key, app_key or org.app_key)
    check_fails("capture", *GIVING_UP, code=1, says=says, records=True)


def test_what_is_no_key_is_not_repeated(backup, check_fails):
    backup.use_keys("us1", "pass word", KEY)
    done = check_fails("capture", code=2, says=["DDSNAP_US1_API_KEY holds no API key", "one word"])
    assert "pass word" not in done.err


@pytest.mark.parametrize("name", ["DDSNAP_US1_API_KEY", "DDSNAP_US1_APP_KEY"])
def test_a_variable_that_is_not_set(backup, check_fails, name):
    backup.monkeypatch.delenv(name)
    check_fails("capture", code=2, says=[f"{name} is not set", f"export {name}"])


@pytest.mark.parametrize("key", [KEY, "01234567890123456789012345678901", f"'{KEY}'"])
def test_a_key_in_the_configuration_is_never_repeated(backup, check_fails, key):
    configured(backup, f"{ORG}{{site: datadoghq.com, api_key: {key}}}\n")
    done = check_fails(
        "capture", code=2, says=["ddsnap.yaml:3:39: ", "env:NAME", "must be revoked"]
    )
    assert key.strip("'") not in done.err


def test_a_key_file_that_is_not_there(backup, check_fails):
    configured(backup, f"{ORG}{{site: datadoghq.com, api_key: 'file:no-key'}}\n")
    check_fails("capture", code=2, says=["cannot be read from no-key", "orgs.us1.api_key"])


# --- names


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["capture", "eu9"], 2, ["no org is called 'eu9'", "known in ddsnap.yaml: us1"]),
        (["diff", "us1", "live:eu9"], 2, ["no org is called 'eu9'"]),
        (["log", "eu9"], 2, ["no org is called 'eu9'"]),
        (["plan", "us1", "--to", "eu9"], 2, ["no org is called 'eu9'"]),
        (["capture", "--type", "montors"], 2, ["did you mean 'monitors'?", "ddsnap types"]),
        (["capture", "--exclude", "montors"], 2, ["did you mean 'monitors'?"]),
        (["capture", "--accept-loss", "montors"], 2, ["did you mean 'monitors'?"]),
        (["show", "us1", "montors"], 2, ["did you mean 'monitors'?"]),
        (["show", "us1", "montors/1"], 2, ["names no resource", "ddsnap types"]),
        (["show", "us1", "monitors/none"], 2, ["holds no monitors/none", "show us1 monitors"]),
        (["capture", "--filter", "monitors:$[?@.name =="], 2, ["column 22", "RFC 9535"]),
        (["capture", "--filter", "montors:$[?@.name]"], 2, ["did you mean 'monitors'?"]),
        (["capture", "--name", "("], 2, ["--name (", "bad regex"]),
        (["capture", "--timeout", "soon"], 2, ["'soon' is no duration"]),
        (["show", "nope"], 2, ["'nope' names neither", "ddsnap log"]),
        (["diff", "nope"], 2, ["'nope' names neither"]),
        (["diff", "us1~7"], 2, ["'us1~7' names neither"]),
        (["plan", "nope", "--to", "us1"], 2, ["'nope' names neither"]),
        (["show", "main"], 1, ["main is no snapshot", "snapshots/<org>"]),
        (["diff", "main", "us1"], 1, ["main is no snapshot"]),
        (["show", "us1@someday"], 2, ["'someday' is no time", "yesterday"]),
        (["show", "us1@2001-01-01"], 1, ["no snapshot of 2001-01-01", "ddsnap log us1"]),
    ],
)
def test_a_word_that_names_nothing(check_fails, argv, code, says):
    check_fails(*argv, code=code, says=says)


# --- configuration


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\n", ["names no org", "add one under 'orgs:'"]),
        ("version: 1\norgs: {}\n", ["names no org"]),
        ("", ["ddsnap.yaml:1:1: version is missing", "version: 1"]),
        ("version: 7\n", ["ddsnap.yaml:1:10: ", "upgrade ddsnap"]),
        ("- a\n", ["ddsnap.yaml:1:1: "]),
        (f"{ORG}{{site: datadoghq.co}}\n", ["us1: 'datadoghq.co' is not", "datadoghq.com, us3."]),
        (f"{ORG}{{site: app.datadoghq.com}}\n", ["write site: datadoghq.com"]),
        (f"{ORG}{{api_url: 'https://app.datadoghq.eu'}}\n", ["write https://api.datadoghq.eu"]),
        (f"{ORG}{{site: 'https://api.datadoghq.eu'}}\n", ["ddsnap.yaml:3:15: ", "datadoghq.eu"]),
        (f"{ORG}{{api_url: 'http://api.datadoghq.eu'}}\n", ["in the clear", "https://api."]),
        (f"{ORG}{{api_url: 'https://host.example'}}\n", ["DDSNAP_ALLOW_HOSTS=host.example"]),
        (f"{ORG}{{site: datadoghq.com}}\ncaptrue: {{}}\n", [":4:1: ", "did you mean 'capture'?"]),
        (f"{ORG}{{sites: datadoghq.com}}\n", ["ddsnap.yaml:3:9: ", "did you mean 'site'?"]),
        (f"{ORG}{{site: datadoghq.com\n", ["ddsnap.yaml:4:1: not YAML"]),
        ("version: 1\norgs:\n\tus1: {}\n", ["ddsnap.yaml:3:1: not YAML"]),
        (f"{ORG}{{}}\n  us1: {{}}\n", ["ddsnap.yaml:4:3: duplicate name 'us1'"]),
        (f"{ORG}{{}}\ncapture: {{types: [montors]}}\n", [":4:19: ", "did you mean 'monitors'?"]),
        (f"{ORG}{{}}\ncapture: {{concurrency: many}}\n", ["ddsnap.yaml:4:24: "]),
        (f"{ORG}{{}}\ncapture: {{filters: ['monitors:$[?']}}\n", ["ddsnap.yaml:4:21: "]),
        (f"{ORG}{{}}\nremote: backup\n", ["no remote called 'backup'", "git remote add backup"]),
    ],
)
def test_a_configuration_that_is_wrong(backup, check_fails, text, says):
    configured(backup, text)
    check_fails("capture", code=2, says=says)


@pytest.mark.parametrize("data", [b"\x00\x01\xff\xfe\x80", "version: 1\n".encode("utf-16")])
def test_a_configuration_that_is_no_text(backup, check_fails, data):
    (backup.path / "ddsnap.yaml").write_bytes(data)
    check_fails("capture", code=2, says=["ddsnap.yaml:1:", "not UTF-8"])


def test_a_configuration_that_is_a_folder(backup, check_fails):
    (backup.path / "ddsnap.yaml").unlink()
    (backup.path / "ddsnap.yaml").mkdir()
    check_fails("capture", code=2, says=["ddsnap.yaml cannot be read: Is a directory"])


# --- folders and repositories


@pytest.mark.parametrize("argv", [["capture"], ["show", "us1"], ["verify"], ["log"]])
def test_no_repository(console, argv):
    done = console(*argv)
    says = [f"{console.path} is not in a git repository", "ddsnap init"]
    check_answered(done.code, done.out, done.err, code=1, says=says)
    assert not list(console.path.iterdir())


def test_a_folder_that_is_a_file_or_nowhere(backup, check_fails):
    file = backup.path / "file"
    file.write_text("content")
    check_fails("-C", "file", "capture", code=2, says=["Directory 'file' is a file"])
    check_fails("init", "file", code=2, says=["Directory 'file' is a file"])
    check_fails("init", "file/below", code=1, says=["file/below cannot be made: Not a directory"])
    for folder in (file, backup.path / "nowhere"):
        backup.monkeypatch.setenv("DDSNAP_REPO", str(folder))
        check_fails("capture", code=2, says=[f"{folder} is no folder", "DDSNAP_REPO"])
    assert file.read_text() == "content"


def test_a_repository_is_not_made_twice(check_fails):
    check_fails(
        "init", code=1, says=["already is a repository with ddsnap.yaml", "use it as it is"]
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("repositoryformatversion = 0", "repositoryformatversion = 9", ["format 9", "newer"]),
        (
            "repositoryformatversion = 0",
            "repositoryformatversion = 1\n[extensions]\n\tsomethingNew = true",
            ["extension somethingNew", "newer"],
        ),
        ("[core]", "[core", ["cannot be used", "expected trailing ]"]),
    ],
)
def test_a_repository_that_is_not_understood(backup, old, new, says):
    config = backup.path / ".git" / "config"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    done = backup("capture")
    check_answered(done.code, done.out, done.err, code=1, says=says)
    config.write_text(text)
    assert backup.git("rev-list", "--count", "journal/us1") == "1\n"


def test_a_git_configuration_that_is_broken(backup, check_fails):
    home = backup.path.parent / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[user\nname = x\n")
    done = backup("capture")
    says = ["git's configuration cannot be read", "--show-origin"]
    check_answered(done.code, done.out, done.err, code=1, says=says)
    (home / ".gitconfig").unlink()
    assert backup.git("rev-list", "--count", "journal/us1") == "1\n"


@pytest.mark.parametrize("text", ["", "junk\n", "1" * 40 + "\n"])
@pytest.mark.parametrize("command", [["capture"], ["diff", "us1"], ["show", "us1"]])
def test_a_branch_that_leads_nowhere(backup, command, text):
    branch = backup.path / ".git" / "refs" / "heads" / "snapshots" / "us1"
    before = branch.read_text()
    branch.write_text(text)
    done = backup(*command)
    says = ["snapshots/us1", "logs/refs/heads"] if len(text) < 10 else ["1" * 40, "ddsnap verify"]
    check_answered(done.code, done.out, done.err, code=1, says=says)
    assert branch.read_text() == text
    branch.write_text(before)
    assert backup("verify").code == 0


# --- the way to Datadog


@contextmanager
def refusing_proxy():
    """A proxy that lets nobody through."""

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 407 Authentication Required\r\n\r\n")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://someone:pass-word@127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def test_a_host_that_does_not_answer(backup, check_fails):
    configured(backup, f"{ORG}{{api_url: 'http://127.0.0.1:{closed_port()}'}}\n")
    says = ["us1: connection failed", "Connection refused", "is the network there"]
    check_fails("capture", *GIVING_UP, code=1, says=says, records=True)


def test_a_host_that_is_not_known(backup, check_fails):
    configured(backup, f"{ORG}{{api_url: 'https://ddsnap.invalid'}}\n")
    host = ("--allow-host", "ddsnap.invalid")
    check_fails("capture", *host, *GIVING_UP, code=1, says=["connection failed"], records=True)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:{port}", ["the proxy failed", "refused"]),
        ("http://someone:pass-word@[host", ["the proxy's address cannot be understood"]),
        ("socks5://127.0.0.1:{port}", ["the proxy"]),
    ],
)
def test_a_proxy_that_is_none(backup, check_fails, address, says):
    backup.monkeypatch.setenv("https_proxy", address.format(port=closed_port()))
    configured(backup, f"{ORG}{{site: datadoghq.com}}\n")
    says = [*says, "https_proxy names the proxy"]
    done = check_fails("capture", *GIVING_UP, code=1, says=says, records=True)
    assert "pass-word" not in done.err


def test_a_proxy_that_refuses(backup, check_fails):
    configured(backup, f"{ORG}{{site: datadoghq.com}}\n")
    with refusing_proxy() as address:
        backup.monkeypatch.setenv("https_proxy", address)
        says = ["the proxy failed", "407 Authentication Required", "https_proxy names the proxy"]
        done = check_fails("capture", *GIVING_UP, code=1, says=says, records=True)
    assert "pass-word" not in done.err


def test_certificates_that_are_not_there(backup, check_fails):
    backup.monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/certificates")
    check_fails("capture", code=2, says=["REQUESTS_CA_BUNDLE names /nowhere/certificates"])


# --- the machine: streams, permissions, space


def shell(console, script, *, before=(), **variables):
    """Run a script of the shell in the repository; ``$DDSNAP`` is the command."""
    environment = {**os.environ, "DDSNAP": f"{sys.executable} -m ddsnap", **variables}
    return subprocess.run(
        [*before, "sh", "-c", script],
        cwd=console.path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("option", ["", "--json"])
def test_a_stream_that_is_closed_changes_nothing_else(backup, closed, option):
    ran = shell(backup, f"$DDSNAP {option} capture {closed}")
    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr
    assert backup.git("rev-list", "--count", "snapshots/us1") == "2\n"
    backup.git("fsck", "--full", "--strict")
    if closed == "2>&-":
        assert ran.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("argv", ["show us1", "capture", "--json capture", "diff us1"])
def test_output_that_cannot_be_written(backup, argv):
    ran = shell(backup, f"$DDSNAP {argv} >/dev/full")
    says = ["No space left on device"]
    check_answered(ran.returncode, ran.stdout, last_lines(ran.stderr), code=1, says=says)
    backup.git("fsck", "--full", "--strict")
    assert backup("capture").code == 0


def last_lines(text):
    return text[text.index("error: ") :]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("setpriv"),
    reason="only root can become nobody",
)
def test_a_folder_that_is_only_to_be_read(backup):
    for folder in [backup.path, *backup.path.parents]:
        if folder.owner() == "root" and folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(0o755)
    nobody = ("setpriv", f"--reuid={NOBODY}", "--clear-groups")
    probe = shell(backup, "$DDSNAP --version", before=nobody)
    if probe.returncode:
        pytest.skip(f"nobody may not run this Python: {probe.stderr}")
    ran = shell(backup, "$DDSNAP capture", before=nobody)
    says = ["cannot lock us1", "Permission denied", "who may write there"]
    check_answered(ran.returncode, ran.stdout, ran.stderr, code=1, says=says)
    ran = shell(backup, "$DDSNAP init below", before=nobody)
    check_answered(ran.returncode, ran.stdout, ran.stderr, code=1, says=["Permission denied"])
    ran = shell(backup, "$DDSNAP doctor us1", before=nobody)
    assert (ran.returncode, "nothing can be recorded" in ran.stdout) == (1, True)
    assert shell(backup, "$DDSNAP show us1", before=nobody).returncode == 0
    assert shell(backup, "$DDSNAP diff us1 --stat", before=nobody).returncode == 0
    assert backup.git("rev-list", "--count", "journal/us1") == "1\n"


ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size=8m tmpfs "$DISK"
cp -r . "$DISK/backup"
cd "$DISK/backup"
room=$(df --output=avail -k . | tail -n 1)
dd if=/dev/zero of="$DISK/filler" bs=1k count=$((room - FREE)) status=none
before=$(git for-each-ref)
code=0
$DDSNAP capture || code=$?
rm "$DISK/filler"
test $code = 0 || test "$before" = "$(git for-each-ref)"
git fsck --full --strict >/dev/null 2>&1
test -z "$(find .git -name 'tmp_*' -o -path '*/refs/*.lock')"
$DDSNAP -q capture >/dev/null
test "$(git rev-list --count snapshots/us1)" = 2
exit $code
"""


@pytest.fixture(scope="module")
def own_mounts():
    """The command that starts a program with mounts of its own."""
    command = ("unshare", "--user", "--map-root-user", "--mount")
    probe = [*command, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    can = shutil.which("unshare") and subprocess.run(probe, check=False, capture_output=True)
    if not can or can.returncode:
        pytest.skip("no file system can be mounted here")
    return command


@pytest.mark.parametrize("free", [0, 4, 12, 20, 24, 28, 512])
def test_a_full_disk_costs_nothing_but_the_run(backup, own_mounts, tmp_path, free):
    (tmp_path / "disk").mkdir()
    disk = str(tmp_path / "disk")
    ran = shell(backup, ON_A_SMALL_DISK, before=own_mounts, DISK=disk, FREE=str(free))
    if free == 512:
        assert ran.returncode == 0
        return
    if ran.returncode:  # how much a run needs differs a little from machine to machine
        says = ["No space left on device", "check free space"]
        check_answered(ran.returncode, ran.stdout, ran.stderr, code=1, says=says)
    assert ran.returncode or free > 20


def test_a_file_system_that_is_only_to_be_read(backup, own_mounts):
    script = 'mount --bind . . && cd "$PWD" && mount -o remount,ro,bind . && $DDSNAP '
    for command in ("capture", "capture --json"):
        ran = shell(backup, script + command, before=own_mounts)
        says = ["cannot lock us1", "Read-only file system"]
        check_answered(ran.returncode, "", ran.stderr, code=1, says=says)
    assert shell(backup, f"{script} show us1", before=own_mounts).returncode == 0
    assert shell(backup, f"{script} diff us1 --exit-code", before=own_mounts).returncode == 5
    assert shell(backup, f"{script} verify", before=own_mounts).returncode == 0
