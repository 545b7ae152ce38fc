#!/usr/bin/env python3
"""Compares kos_sys with the C headers: values, sizes, offsets, prototypes, and that nothing is missing.

    check_layout.py --rustc RUSTC --cc CC --headers DIR --include DIR... --work DIR

A test of the host preset. It also makes one assertion of each kind wrong and expects to be told.
"""
import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# idl.h: nothing but inline functions and macros for generated C; their Rust counterpart is generated as well.
# push.h: requests that only the development link makes, which is C++.
OTHER_HEADERS = {"idl.h", "push.h"}
# What is not for Rust: macros that are statements or initialisers of C, inline functions, the application's own main.
NOT_IN_RUST = re.compile(r"KOS_NORETURN|KOS_\w+_INIT|kos_assert\w*|kos_log_(error|warning|info|debug)|"
                         r"kos_status_is_ok|kos_time_ticks|kos_time_after_us")
NUMBER = re.compile(r"^\s*(?:#define )?(KOS_[A-Z0-9_]+)\b(?:\(| =|,| [^(]|$)", re.MULTILINE)
STRUCTURE = re.compile(r"^\} (kos_\w+_t);|^struct (kos_server) \{", re.MULTILINE)
FUNCTION = re.compile(r"^[\w ]*?[\w*] ?\*?(kos_\w+)\(", re.MULTILINE)


def run(words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
    return done.returncode, done.stdout, done.stderr


def comments_removed(text):
    return re.sub(r"//[^\n]*", "", text)


def inline_functions_removed(text):
    return re.sub(r"static inline[^;{]*\{(?:[^\n]*\}\n|.*?^\}\n)", "", text, flags=re.DOTALL | re.MULTILINE)


def missing(headers, declared):
    """(header, name) of everything in the headers that kos_sys does not mention as a declaration."""
    for header in headers:
        text = inline_functions_removed(comments_removed(header.read_text()))
        names = set(NUMBER.findall(text)) | set(FUNCTION.findall(text))
        names |= {a or b + "_t" for a, b in STRUCTURE.findall(text)}
        for name in sorted(names):
            if not NOT_IN_RUST.fullmatch(name) and name not in declared:
                yield header.name, name


def declared_names(sources):
    text = "\n".join(source.read_text() for source in sources)
    return set(re.findall(r"^\s*(?:pub )?(?:fn |struct |pub type )?(\w+)(?:\(|:| \{| =)", text, re.MULTILINE))


def assertions(options, source):
    """The C file that the Rust program prints for the crate at `source`."""
    work = options.work
    for words in ([options.rustc, "--edition", "2021", "-D", "warnings", "--cfg", "kos_sys_check", "--crate-type", "rlib",
                   "--crate-name", "kos_sys", "-o", work / "libkos_sys.rlib", source / "lib.rs"],
                  [options.rustc, "--edition", "2021", "-D", "warnings", "--extern", f"kos_sys={work / 'libkos_sys.rlib'}",
                   "-o", work / "check_layout", HERE / "check_layout.rs"]):
        code, _, errors = run(words)
        if code:
            sys.exit(errors)
    code, text, errors = run([work / "check_layout"])
    if code:
        sys.exit(errors)
    return text


def compile_c(options, text, headers):
    includes = "".join(f"#include <kos/{header.name}>\n" for header in headers)
    file = options.work / "assertions.c"
    file.write_text(f"#include <stddef.h>\n#include <stdlib.h>\n{includes}{text}")
    folders = [word for folder in options.include for word in ("-I", folder)]
    # arm64's: the machine that the headers are for. Nothing is assembled or linked.
    return run([options.cc, "-std=gnu11", "-fsyntax-only", "-Wall", "-Werror", *folders, file])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rustc", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--headers", type=pathlib.Path, required=True)
    parser.add_argument("--include", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    headers = sorted(h for h in options.headers.glob("*.h") if h.name not in OTHER_HEADERS)

    failed = 0
    sources = sorted(HERE.glob("*.rs"))
    for header, name in missing(headers, declared_names(sources)):
        print(f"{header}: {name} is not in kos_sys")
        failed += 1

    text = assertions(options, HERE)
    count = text.count("_Static_assert")
    code, _, errors = compile_c(options, text, headers)
    for line in errors.splitlines():
        if "error:" in line:
            print(line.split("error: ", 1)[1])
            failed += 1
    if code and not failed:
        sys.exit(errors)

    # A check that cannot fail is none: each kind of assertion, made wrong, must be refused.
    for kind in (r"(_Static_assert\(\(uint64_t\)\(KOS_\w+\) == )", r"(_Static_assert\(sizeof\(kos_\w+\) == )",
                 r"(_Static_assert\(offsetof\(kos_\w+, \w+\) == )"):
        wrong = re.sub(kind, r"\g<1>1 + ", text, count=1)
        if wrong == text or compile_c(options, wrong, headers)[0] == 0:
            print(f"the comparison does not notice a wrong value: {kind}")
            failed += 1
    wrong = text.replace("kos_status_t(kos_slot_t, kos_msg_t*))", "kos_status_t(kos_slot_t, kos_caller_t*))", 1)
    if wrong == text or compile_c(options, wrong, headers)[0] == 0:
        print("the comparison does not notice a wrong prototype")
        failed += 1

    print(f"{count} comparisons, {failed} failed")
    return 1 if failed or count < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
