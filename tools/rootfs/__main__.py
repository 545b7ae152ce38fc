"""python3 -m rootfs ROOT.TOML [--output IMAGE]: what `./kos root` does."""

import sys

from kos import root_command
from kos.common import KosError, say

try:
    sys.exit(root_command.main(root_command.parser().parse_args(sys.argv[1:])))
except KosError as error:
    say(str(error))
    sys.exit(error.status)
