"""How a stand-in was started, for the tests to read: one file each in the directory RECORDS, where there is one."""

import json
import os
import sys


def note(program: str) -> None:
    records = os.environ.get("RECORDS")
    if not records:
        return
    started = {
        "program": program,
        "node": os.environ["SLURMD_NODENAME"],
        "argv": sys.argv[1:],
        "env": dict(os.environ),
    }
    with open(f"{records}/{os.environ['SLURM_JOB_NAME']}.{program}.{started['node']}.json", "x") as file:
        json.dump(started, file)
