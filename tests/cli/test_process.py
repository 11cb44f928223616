"""The real program, started as people and schedulers start it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from ddsnap.config import load

PROGRAM = [sys.executable, "-m", "ddsnap"]
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def env(tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}


@pytest.fixture
def run(tmp_path, env):
    def run(*argv, **changes):
        return subprocess.run(
            [*PROGRAM, *argv], cwd=tmp_path, env=env | changes, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["types"], 0),
        (["--json", "types"], 0),
        ([], 2),
        (["nonsense"], 2),
        (["--json", "nonsense"], 2),
        (["init", "repo", "--json"], 0),
    ],
)
def test_exit_codes_and_the_purity_of_both_streams(run, argv, code):
    done = run(*argv)
    assert done.returncode == code, done.stderr
    assert CONTROL.search(done.stdout + done.stderr) is None
    if "--json" in argv:
        assert done.stdout
        assert all("event" in json.loads(line) for line in done.stdout.splitlines())


def test_init_makes_a_repository_that_git_and_ddsnap_read(run, tmp_path):
    done = run("init", "backup", "--org", "eu1")
    assert done.returncode == 0
    assert "DDSNAP_EU1_API_KEY and DDSNAP_EU1_APP_KEY" in done.stdout
    assert load(tmp_path / "backup" / "ddsnap.yaml").orgs["eu1"].site == "datadoghq.eu"
    assert (tmp_path / "backup" / ".git" / "refs" / "heads" / "main").exists()
    before = (tmp_path / "backup" / "ddsnap.yaml").read_bytes()
    again = run("-C", "backup", "init")
    assert again.returncode != 0
    assert again.stderr.startswith("error: ")
    assert (tmp_path / "backup" / "ddsnap.yaml").read_bytes() == before


def test_the_repository_may_come_from_the_environment(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert run("init", DDSNAP_REPO="elsewhere").returncode == 0
    assert (tmp_path / "elsewhere" / "ddsnap.yaml").exists()


def test_a_reader_who_leaves_is_no_reason_to_shout(tmp_path, env):
    with subprocess.Popen(
        [*PROGRAM, "types"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_an_old_encoding_is_no_reason_to_fail(run, tmp_path, encoding):
    done = run("-C", "/nö 監", "types", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.fixture
def sandbox(tmp_path, env):
    """A running sandbox of two orgs, and its events."""
    process = subprocess.Popen(
        [*PROGRAM, "--json", "sandbox", "--org", "us1", "--org", "eu-1", "--seed", "3"],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        yield process, [json.loads(process.stdout.readline()) for _ in range(2)]
        process.kill()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_its_orgs_until_it_is_told_to_stop(sandbox, sent):
    process, orgs = sandbox
    assert [org["name"] for org in orgs] == ["us1", "eu-1"]
    for org in orgs:
        headers = {"DD-API-KEY": org["api_key"], "DD-APPLICATION-KEY": org["app_key"]}
        request = urllib.request.Request(f"{org['api_url']}/api/v1/monitor", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)
    process.send_signal(sent)
    assert process.wait(10) == 0


def test_the_sandbox_says_what_to_export(tmp_path, env):
    with subprocess.Popen(
        [*PROGRAM, "sandbox", "--org", "eu-1"], cwd=tmp_path, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        told = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        said = process.stderr.read()
    assert re.match(
        r"# ddsnap.yaml: orgs: \{eu-1: \{api_url: 'http://127\.0\.0\.1:\d+'\}\}$", told[0]
    )
    assert told[1].startswith("export DDSNAP_EU_1_API_KEY=")
    assert "stopped" in said


def test_help_answers_in_a_blink(tmp_path, env):
    def fastest(argv):
        took = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(argv, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, check=True)
            took.append(time.perf_counter() - start)
        return min(took)

    bare = fastest([sys.executable, "-c", "pass"])
    help_ = fastest([*PROGRAM, "--help"])
    assert help_ < 10 * bare, f"--help takes {help_ / bare:.1f} times as long as an empty program"


def test_help_imports_nothing_heavy(tmp_path, env):
    code = "import sys; from ddsnap.cli.main import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    heavy = {"rich", "ruamel", "dulwich", "requests", "orjson", "jsonpatch", "cheroot"}
    assert not loaded & heavy
