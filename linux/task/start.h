// The first process: the tree of files that it finds, and its program.
#pragma once

#include "task/system.h"

#include <string>
#include <string_view>
#include <vector>

namespace kos::lx {

// Mounts the root file system with a tmpfs over it, /dev, /dev/shm, /proc, /sys, /tmp, /run as far as the root has
// the directories.
Status make_tree(System& system, Ref<FileSystem> root);

// Mounts /run/kos (net/kos_ports.h), which lives as long as the system.
Status mount_kos(System& system, KosPorts& ports);

// Appends `text` to a file of the image unless `word` stands in it; makes the file if there is none. Nothing happens if
// the image has no such directory.
Status complete_file(System& system, std::string_view path, std::string_view word, std::string_view text);

struct StartOptions {                      // of the manifest; they replace what the image says
    std::vector<std::string> arguments;    // empty: those of the image
    std::vector<std::string> environment;  // NAME=VALUE, added
};

// Runs the program that the options or the image's file /.kos/start name, with /dev/console as its standard files.
// The file has lines "arg TEXT", "env NAME=TEXT", "cwd PATH", "user UID GID". kEINVAL: neither names a program.
Status start_first_process(System& system, StartOptions options);

}  // namespace kos::lx
