"""The app under test: ``but-gateway serve`` in a fork of a process that has loaded it once, with crash points and, if wanted, a mutant.

Reads one JSON document a line: what to serve; answers with the number of the process that serves it. A fork is up in a tenth of a
second, so that a round can afford to kill dozens. Ends with its input; the forks end with it.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from tests.crash import mutants, points

# Small measures, so that what takes thousands of rows in a town happens within a round.
IMPORT_ROWS_MAX = 5
REDECISION_CHILDREN = 3
WORKER_PAUSE_SECONDS = 0.2
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux: whatever ends the harness, no app is left behind


def main() -> None:
    """Forks until its input ends."""
    import but_gateway.app  # noqa: PLC0415 - it is what takes long
    import but_gateway.cli.serve  # noqa: PLC0415 - as above

    del but_gateway
    points.install()
    measure()
    tell_more()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ended is gone, nobody collects
    for line in sys.stdin:
        wish = json.loads(line)
        process = os.fork()
        if not process:
            serve(wish)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()


def measure() -> None:
    """Makes chunks small and pauses short."""
    from but_gateway.jobs import grant_imports, worker  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.procedures.intake import endpoints  # noqa: PLC0415 - as above
    from but_gateway.procedures.redecision import work_off  # noqa: PLC0415 - as above

    for module, name, value in (
        (endpoints, "ROWS_MAX", IMPORT_ROWS_MAX),
        (grant_imports, "ROWS_MAX", IMPORT_ROWS_MAX),
        (work_off, "CHILDREN", REDECISION_CHILDREN),
        (worker, "PAUSE_SECONDS_MAX", WORKER_PAUSE_SECONDS),
    ):
        if not hasattr(module, name):
            raise LookupError(f"{module.__name__} has no {name}")
        setattr(module, name, value)

    class Restless(worker.Worker):
        """A worker that hardly pauses."""

        def __init__(self, database: Any, sweeps: Any) -> None:  # noqa: ANN401 - as the worker's own
            super().__init__(database, sweeps, pause_seconds=WORKER_PAUSE_SECONDS)

    points.replace(worker.Worker, Restless)


def tell_more() -> None:
    """Faults of the program go into the log with all they say, which the product keeps to itself: nobody here has a name to lose."""
    from but_gateway.web.errors import place_of, problem_for  # noqa: PLC0415 - only where the product is loaded
    from but_gateway.web.problems import Unexpected  # noqa: PLC0415 - as above

    def tell(error: BaseException) -> dict[str, str]:
        if problem_for(error).status == Unexpected.status:
            traceback.print_exception(error)
        return place_of(error)

    points.replace(place_of, tell)


def serve(wish: dict[str, Any]) -> NoReturn:
    """Becomes the server that is wished for."""
    from but_gateway.cli.root import app  # noqa: PLC0415 - loaded already

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    journal = os.open(wish["journal"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((nothing, log, log)):
        os.dup2(stream, number)
    os.chdir(Path(wish["log"]).parent)
    os.environ |= wish["environment"]
    points.points.journal = lambda text: void(os.write(journal, f"{text}\n".encode()))
    points.points.doomed, points.points.nth = frozenset(wish["doomed"]), wish["nth"]
    code = 1
    try:
        if wish["mutant"]:
            mutants.BY_NAME[wish["mutant"]].apply()
        app(["serve", "--port", str(wish["port"])], standalone_mode=False)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - a fork must never go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def void(_: object) -> None:
    """Nothing comes of it."""


if __name__ == "__main__":
    main()
