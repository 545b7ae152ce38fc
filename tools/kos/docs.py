"""./kos docs: the Markdown pages, the public headers and the table of Linux system calls as one HTML site, made by Doxygen."""

from kos import build, links, linux_calls, packages, tracked
from kos.arguments import Parser
from kos.common import BUILD, EXIT_FAILED, TOP, run, say, shown

FOLDER = BUILD / "docs"
# Headers that others program against; everything else is read in the source.
PUBLIC_HEADERS = ("abi/include/", "libkos/include/", "lib/sel4/include/", "lib/roottask/include/")


def parser():
    return Parser("docs")


def main(arguments):
    problems = links.check()
    for problem in problems:
        print(problem)
    if problems:
        return EXIT_FAILED
    packages.ensure(install=not arguments.no_install)
    build.configure("host")
    build.compile_preset("host", ["linux_calls"])
    pages = [*inputs(tracked.files()), str(linux_calls.write().relative_to(TOP))]
    (FOLDER / "Doxyfile").write_text(doxyfile(pages))
    run(["doxygen", FOLDER / "Doxyfile"], cwd=TOP)
    say(f"written: {shown(FOLDER / 'html/index.html')}")
    return 0


def inputs(names):
    return [n for n in names if n.endswith(".md") or (n.endswith(".h") and n.startswith(PUBLIC_HEADERS))]


def doxyfile(names):
    settings = {
        "PROJECT_NAME": "KOS",
        "OUTPUT_DIRECTORY": f'"{FOLDER}"',
        "INPUT": " ".join(f'"{name}"' for name in names),
        "USE_MDFILE_AS_MAINPAGE": "README.md",
        "FULL_PATH_NAMES": "YES",
        "STRIP_FROM_PATH": f'"{TOP}"',
        "EXTRACT_ALL": "YES",
        "OPTIMIZE_OUTPUT_FOR_C": "YES",
        "GENERATE_LATEX": "NO",
        "HAVE_DOT": "NO",
        "HTML_TIMESTAMP": "NO",
        "QUIET": "YES",
        "WARNINGS": "NO",
    }
    return "".join(f"{key} = {value}\n" for key, value in settings.items())
