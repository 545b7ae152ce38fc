"""Programs that the runners start: each in a process group of its own, and none outlives the command."""

import os
import signal
import subprocess
import threading

from kos.common import KosError

PIPE = subprocess.PIPE
TimeoutExpired = subprocess.TimeoutExpired

_lock = threading.Lock()
_running = set()


def start(words, **options):
    """Starts a program, without input unless `options` has a stdin. End it with stop(), whatever happens."""
    # setpriv: if this process is killed, the program goes with it.
    words = ["setpriv", "--pdeathsig", "KILL", *map(str, words)]
    try:
        process = subprocess.Popen(words, start_new_session=True, **({"stdin": subprocess.DEVNULL} | options))
    except FileNotFoundError as error:
        raise KosError(f"{error.filename} is not there") from error
    with _lock:
        _running.add(process)
    return process


def stop(process):
    """Ends the program and all that it started; nothing happens to what has ended."""
    end_group(process)
    process.wait()
    with _lock:
        _running.discard(process)


def stop_all():
    """Ends every program that another thread waits for, so that the thread goes on."""
    with _lock:
        running = list(_running)
    for process in running:
        end_group(process)


def end_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has ended, and so has every process of its group
