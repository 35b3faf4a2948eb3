"""How long ``blockout --help`` takes; the target is 0.2 s. Run as ``python benchmarks/command_line.py``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 15


def main() -> None:
    """Print the median and the slowest of several fresh starts."""
    script = Path(sys.executable).with_name("blockout")
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([script, "--help"], stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - start)
    print(f"blockout --help: median {statistics.median(seconds):.3f} s, slowest {max(seconds):.3f} s of {RUNS}")


if __name__ == "__main__":
    main()
