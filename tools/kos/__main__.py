"""Dispatches a command to its module and turns KosError into one line and an exit status."""

import importlib
import os
import signal
import sys

from kos.common import EXIT_USAGE, KosError, say

# Each module has parser() -> ArgumentParser and main(arguments) -> exit status.
COMMANDS = {
    "setup": "kos.setup_command",
    "build": "kos.build",
    "run": "kos.run_command",
    "image": "kos.image_command",
    "check": "kos.check_command",
    "package": "kos.package_command",
    "mix": "kos.mix_command",
    "test": "kos.test_command",
    "bench": "kos.bench",
    "fuzz": "kos.fuzz",
    "root": "kos.root_command",
    "tidy": "kos.tidy",
    "docs": "kos.docs",
}


def main(words):
    if not words or words[0] not in COMMANDS:
        say(f"expected one of: {' '.join(COMMANDS)}")
        return EXIT_USAGE
    # A terminated command must unwind, so that no QEMU outlives it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = importlib.import_module(COMMANDS[words[0]])
    try:
        return command.main(command.parser().parse_args(words[1:]))
    except KosError as error:
        say(str(error))
        return error.status
    except KeyboardInterrupt:
        say("interrupted")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of our output left; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
