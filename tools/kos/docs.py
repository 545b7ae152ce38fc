"""./kos docs: the Markdown pages and the public headers as one HTML site, made by Doxygen."""

from kos import links, tracked
from kos.arguments import Parser
from kos.common import BUILD, EXIT_FAILED, TOP, run, say, shown

FOLDER = BUILD / "docs"
# Headers that others program against; everything else is read in the source.
PUBLIC_HEADERS = ("abi/include/", "libkos/include/", "lib/sel4/include/", "lib/roottask/include/")


def parser():
    return Parser("docs")


def main(_arguments):
    problems = links.check()
    for problem in problems:
        print(problem)
    if problems:
        return EXIT_FAILED
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "Doxyfile").write_text(doxyfile(inputs(tracked.files())))
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
