"""Run a command and tell what it cost: ``launch.py REPORT COMMAND...``.

A child's peak memory counts from its parent's, so this parent is as small as can be.
"""

import json
import os
import sys
import time

report, *command = sys.argv[1:]
began = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - began
with open(report, "w") as file:  # noqa: PTH123 - pathlib is not small
    json.dump([used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024], file)
sys.exit(os.waitstatus_to_exitcode(status))
