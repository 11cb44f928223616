"""Large orgs: a capture's time and memory grow with them at most, and a commit holds little."""

import copy
import json
import subprocess
import sys
import time

# Not ru_maxrss: that of a child begins at its parent's.
PEAK = (
    "peak = [line for line in open('/proc/self/status') if line.startswith('VmHWM')]\n"
    "print(int(peak[0].split()[1]) // 1024)\n"
)
MEASURED = (
    "import sys\n"
    "from ddsnap.cli.main import main\n"
    "code = main(['--json', 'capture'])\n"
    f"{PEAK}"
    "sys.exit(code)\n"
)
STORED = (
    "import sys\n"
    "from datetime import datetime, timezone\n"
    "from pathlib import Path\n"
    "from ddsnap.store.repository import Repository\n"
    "from ddsnap.store.snapshots import SnapshotWriter\n"
    "count = int(sys.argv[2])\n"
    "with Repository.init(Path(sys.argv[1]), {'ddsnap.yaml': b''}, 'Start') as repo:\n"
    "    with SnapshotWriter(repo, 'snapshots/us1') as writer:\n"
    "        for n in range(count):\n"
    "            text = b'a monitor of %d ' % n * 600\n"
    '            writer.put(f\'monitors/{n}.json\', b\'{"id": %d, "m": "%s"}\' % (n, text))\n'
    "        writer.commit('all', time=datetime.now(timezone.utc))\n"
    f"{PEAK}"
)


def measured(console):
    """Capture in a process of its own; return its events, seconds and megabytes."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=console.path, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - began
    *events, megabytes = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    return json.loads(events[-1]), seconds, int(megabytes)


def grow(org, first, last):
    model = next(iter(org.table("monitors").values()))
    text = "why this matters, and whom to call; " * 40
    made = []
    for number in range(first, last):
        body = {**copy.deepcopy(model), "id": number, "name": f"M {number}", "message": text}
        made.append(body)
    org.load("monitors", made)


def test_time_and_memory_grow_with_an_org_and_no_faster(console):
    org = console.add("us1", size=10)
    console.configure("capture: {types: [monitors]}")
    grow(org, 1_000, 2_000)
    measured(console)
    grow(org, 2_000, 3_000)
    first, seconds, megabytes = measured(console)
    assert first["counts"] == {"added": 1_000}
    grow(org, 3_000, 13_000)
    last, more_seconds, more_megabytes = measured(console)
    assert last["counts"] == {"added": 10_000}
    assert more_megabytes < megabytes + 120  # 12 kB for each
    assert more_seconds < 10 * max(seconds, 1.0)
    untouched, again_seconds, again_megabytes = measured(console)
    assert not untouched["new"]
    assert again_megabytes < megabytes + 120
    assert again_seconds < 10 * max(seconds, 1.0)


def test_a_hundred_thousand_documents_of_a_gigabyte_are_one_commit(console, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STORED, str(tmp_path / "large"), "100000"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300  # megabytes, of a gigabyte
