// Starts Debian's BEAM without a shell, with the arguments that it is given: beam ARGUMENT...
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kMost = 48 };

int main(int count, char** arguments) {
    static char root[] = "/usr/lib/erlang";
    glob_t found;
    if (glob("/usr/lib/erlang/erts-*/bin/beam.smp", 0, NULL, &found) != 0) {
        fputs("no beam.smp\n", stderr);
        return 1;
    }
    char* const program = found.gl_pathv[0];
    char* const folder = strdup(program);
    *strrchr(folder, '/') = '\0';
    // It does not wait for work by turning: an idle machine shall be idle.
    char* words[kMost] = {program, "-sbwt", "none",    "-sbwtdcpu",   "none",      "-sbwtdio", "none", "--",
                          "-root", root,    "-bindir", folder,        "-progname", "erl",      "--",   "-home",
                          "/root", "--",    "-boot",   "start_clean", "-noshell",  "-noinput"};
    int next = 0;
    while (words[next] != NULL) ++next;
    for (int i = 1; i < count && next < kMost - 1; ++i) words[next++] = arguments[i];
    setenv("ROOTDIR", root, 1);
    setenv("BINDIR", folder, 1);
    setenv("EMU", "beam", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("HOME", "/root", 1);
    execv(program, words);
    perror(program);
    return 1;
}
