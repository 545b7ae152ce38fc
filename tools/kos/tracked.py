"""The files of the repository: what git tracks, or would if it were added."""

from functools import cache

from kos.common import TOP, output_of

CODE = (".c", ".cpp", ".h", ".S", ".py")
C_FAMILY = (".c", ".cpp", ".h")


@cache
def files():
    # safe.directory: the clone may belong to another user than the one who checks it.
    listed = output_of(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "-z", "--cached", "--others",
                        "--exclude-standard"])
    return sorted(name for name in set(listed.split("\0")) if name and (TOP / name).is_file())


def with_suffix(*suffixes):
    return [name for name in files() if name.endswith(suffixes)]
