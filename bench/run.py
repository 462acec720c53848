"""``make bench``: the speeds of the hot paths as ratios to bare baselines, measured in the same run on the same machine.

Nothing here is asserted: a ratio is a finding, not a test. Every figure is the median of the rounds.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from checks import measure_checks, measure_growth
from invoices import measure_invoices
from measure import database, gateway, line, server
from packages import measure_packages
from stock import measure_stock
from town import Town

CHILDREN = 1000
PARTS = ("checks", "invoices", "packages", "growth", "stock")


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--positions", type=int, default=100_000, help="of the batch whose packages are made; with --only stock: stored at the end"
    )
    options.add_argument("--only", choices=PARTS, help="leave the rest out")
    options.add_argument("--large", action="store_true", help="also checks in towns of 10,000 to 1,000,000 entitlements (minutes, 2 GB)")
    chosen = options.parse_args()
    parts = {chosen.only} if chosen.only else set(PARTS[:3]) | ({"growth"} if chosen.large else set())
    # Whoever stops it with kill wants the database stopped and gigabytes removed, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="but-bench-") as folder, database(Path(folder)) as environ:
        print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        with server(environ, gateway(), "--port") as served:
            # A town of its own for each: what one bills would go into the other's batch as well, and a token lasts ten minutes.
            for part in (part for part in PARTS if part in parts):
                town = Town(f"http://127.0.0.1:{served.port}", environ)
                if part == "stock":
                    measure_stock(town, served, environ, chosen.rounds, chosen.positions)
                    continue
                if part == "packages":
                    measure_packages(town, environ, chosen.positions, line)
                    continue
                town.children(CHILDREN)
                {"checks": measure_checks, "invoices": measure_invoices, "growth": measure_growth}[part](
                    town, served, environ, chosen.rounds
                )


if __name__ == "__main__":
    main()
