// A good system to its exact device tree, report and picture; and whatever the compiler accepts, root must accept.
#include <gtest/gtest.h>
#include <kos/manifest/manifest.h>
#include <libfdt.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <sstream>

#include "checks.h"
#include "closure.h"
#include "emit.h"
#include "files.h"
#include "graph.h"
#include "program.h"
#include "report.h"
#include "test_support.h"

namespace kos::compiler {
namespace {

const std::map<std::string, std::string> kFiles = {
    {"system.toml", R"([system]
name = "pump-station"
generation = 7
board = "qemu_virt"
modes = ["normal", "reserve"]

[[app]]
path = "core:appman"

[[app]]
path = "core:directory"

[[app]]
path = "core:log"

[[app]]
path = "apps/pump"
name = "pump_a"
priority = 120
parameters = { interval_ms = 50 }
environment = { TZ = "CET" }
restart = { shutdown_ms = 5 }

[[app]]
path = "apps/show"
modes = ["normal"]

[[group]]
name = "field"
strategy = "rest_for_one"
members = ["pump_a", "show"]
intensity = 3
period_s = 60
escalate = "mode:reserve"
back_off_ms = [0, 100]

[[group]]
name = "everything"
members = ["log", "field"]

[[deny]]
from = "show"
to = "appman"

[[share]]
device = 0x09030000
domains = ["pump_a", "show"]
)"},
    {"core/appman/app.toml",
     "[app]\nname = \"appman\"\nrights = [\"manifest\", \"control\"]\n[[uses]]\nport = \"log\"\n"},
    {"core/directory/app.toml",
     "[app]\nname = \"directory\"\npriority = 240\nthreads = 2\nreplies = 8\n[[serves]]\nport = \"directory\"\n"},
    {"core/log/app.toml",
     "[app]\nname = \"log\"\npassive = true\nrequest_budget_us = 3000\npersistent = \"5K\"\n"
     "[[serves]]\nport = \"log\"\ninterface = \"log\"\npayload = 256\nqueue = true\n"
     "[[uses]]\nport = \"console\"\noptional = true\n"},
    {"apps/pump/app.toml", R"([app]
name = "pump"
priority = 90
memory = "300K"
stack = "20000"
budget_us = 2000
period_us = 20000
core = 1
arguments = ["--fast", ""]
environment = { TZ = "UTC", HOME = "/" }
watchdog_ms = 1000
kernel_objects = "20K"

[[uses]]
port = "log"
wait = false
send_only = true

[[device]]
name = "adc"
address = 0x09030000
interrupts = [39, { number = 40, edge = true }]

[[device]]
name = "wide"
address = 0x4000000000
size = "8K"
interrupts = [77]

[[dma]]
name = "buffers"
size = "64K"

[[ring]]
name = "samples"
to = "log"
size = "5000"

[parameters]
interval_ms = 100
factor = 1.5
verbose = true
unit = "bar"

[restart]
strategy = "transient"
)"},
    {"apps/show/app.toml",
     "[app]\nname = \"show\"\nbinary = \"pump.elf\"\n[[uses]]\nport = \"log\"\n[[device]]\nname = \"adc\"\n"
     "address = 0x09030000\n"},
};

const char kTree[] = R"(/ {
  compatible = "kos,manifest-1"
  system = "pump-station"
  board = "qemu_virt"
  generation = <0 7>
  modes = "normal" "reserve"
  start-order = <2 3 1 4 5>
  domains {
    appman {
      number = <1>
      program = PROGRAM
      memory-bits = <18>
      priority = <100>
      stack-bytes = <16384>
      budget-us = <500>
      period-us = <10000>
      request-budget-us = <10000>
      threads = <1>
      replies = <1>
      shutdown-ms = <1000>
      mode-mask = <3>
      restart = "permanent"
      rights = "manifest" "control"
    }
    directory {
      number = <2>
      program = PROGRAM
      memory-bits = <18>
      priority = <240>
      stack-bytes = <16384>
      budget-us = <500>
      period-us = <10000>
      request-budget-us = <10000>
      threads = <2>
      replies = <8>
      shutdown-ms = <1000>
      mode-mask = <3>
      restart = "permanent"
    }
    log {
      number = <3>
      program = PROGRAM
      memory-bits = <18>
      priority = <100>
      stack-bytes = <16384>
      budget-us = <500>
      period-us = <10000>
      request-budget-us = <3000>
      threads = <1>
      replies = <1>
      persistent-bytes = <8192>
      shutdown-ms = <1000>
      mode-mask = <3>
      restart = "permanent"
      passive
    }
    pump_a {
      number = <4>
      program = PROGRAM
      memory-bits = <19>
      priority = <120>
      stack-bytes = <20480>
      budget-us = <2000>
      period-us = <20000>
      request-budget-us = <10000>
      core = <1>
      threads = <1>
      replies = <1>
      watchdog-ms = <1000>
      kernel-objects = <0 20480>
      program-priority = <50>
      shutdown-ms = <5>
      mode-mask = <3>
      restart = "transient"
      arguments = "--fast" ""
      environment = "HOME=/" "TZ=CET"
      devices {
        adc {
          reg = <0 151191552 0 4096>
          shared
        }
        wide {
          reg = <64 0 0 8192>
        }
      }
      interrupts {
        adc {
          number = <39>
        }
        adc-1 {
          number = <40>
          edge
        }
        wide {
          number = <77>
        }
      }
      dma {
        buffers {
          bytes = <0 65536>
        }
      }
      parameters {
        factor = "1.5"
        interval_ms = "50"
        unit = "bar"
        verbose = "true"
      }
    }
    show {
      number = <5>
      program = PROGRAM
      memory-bits = <18>
      priority = <100>
      stack-bytes = <16384>
      budget-us = <500>
      period-us = <10000>
      request-budget-us = <10000>
      threads = <1>
      replies = <1>
      shutdown-ms = <1000>
      mode-mask = <1>
      restart = "permanent"
      devices {
        adc {
          reg = <0 151191552 0 4096>
          shared
        }
      }
    }
  }
  ports {
    directory {
      number = <1>
      server = <2>
    }
    log {
      number = <2>
      server = <3>
      interface = "log"
      payload = <256>
      queue
    }
  }
  connections {
    connection-0 {
      client = <1>
      port = <2>
      early
    }
    connection-1 {
      client = <1>
      port = <1>
      early
    }
    connection-2 {
      client = <3>
      port = <1>
      early
    }
    connection-3 {
      client = <4>
      port = <2>
      early
      send-only
    }
    connection-4 {
      client = <4>
      port = <1>
      early
    }
    connection-5 {
      client = <5>
      port = <2>
      early
    }
    connection-6 {
      client = <5>
      port = <1>
      early
    }
  }
  rings {
    samples {
      producer = <4>
      consumer = <3>
      bytes = <8192>
    }
  }
  groups {
    field {
      strategy = "rest_for_one"
      members = "pump_a" "show"
      intensity = <3>
      period-s = <60>
      escalate = "mode:reserve"
      back-off-ms = <0 100>
    }
    everything {
      strategy = "one_for_one"
      members = "log" "field"
      intensity = <5>
      period-s = <10>
      escalate = "parent"
      back-off-ms = <0>
    }
  }
}
)";

void put_files(const std::map<std::string, std::string>& files) {
    for (const auto& [name, text] : files) {
        test::put_file(name, text);
    }
    for (const char* name : {"appman", "directory", "log", "pump"}) {
        test::put_file(std::string("programs/") + name + ".elf", test::program_elf("good").file());
    }
}

System load(Diagnostics& diagnostics) {
    System system = load_system("system.toml", test::folders(), diagnostics);
    load_programs(system, test::folders(), diagnostics);
    check_system(system, diagnostics);
    return system;
}

bool is_texts(const std::string& value) {
    if (value.empty() || value.back() != '\0') {
        return false;
    }
    // A cell with a small number begins with zeros; a text with an empty first one does not occur here.
    if (value[0] == '\0') {
        return false;
    }
    return value.find_first_of("\x01\x02\x03\x04\x05\x06\x07\x08") == std::string::npos;
}

void dump(const void* tree, int node, const std::string& indent, std::ostringstream& out) {
    const std::string name = fdt_get_name(tree, node, nullptr);
    out << indent << (name.empty() ? "/" : name) << " {\n";
    int property = 0;
    fdt_for_each_property_offset(property, tree, node) {
        const char* label = nullptr;
        int length = 0;
        const auto* data = static_cast<const char*>(fdt_getprop_by_offset(tree, property, &label, &length));
        const std::string value(data, static_cast<size_t>(length));
        out << indent << "  " << label;
        if (std::string(label) == "program") {
            out << " = PROGRAM";
        } else if (is_texts(value)) {
            out << " =";
            for (size_t at = 0; at < value.size(); at += std::strlen(value.c_str() + at) + 1) {
                out << " \"" << value.c_str() + at << '"';
            }
        } else if (!value.empty()) {
            out << " = <";
            for (size_t at = 0; at + 4 <= value.size(); at += 4) {
                uint32_t cell = 0;
                std::memcpy(&cell, value.data() + at, sizeof(cell));
                out << (at == 0 ? "" : " ") << fdt32_to_cpu(cell);
            }
            out << ">";
        }
        out << '\n';
    }
    int child = 0;
    fdt_for_each_subnode(child, tree, node) { dump(tree, child, indent + "  ", out); }
    out << indent << "}\n";
}

TEST(Compile, TheExactTree) {
    const test::Workplace workplace;
    put_files(kFiles);
    Diagnostics diagnostics;
    const System system = load(diagnostics);
    ASSERT_EQ(joined(diagnostics.lines(), "\n"), "(none)");
    const tools::Buffer tree = emit_manifest(system);
    std::ostringstream text;
    dump(tree.data(), 0, "", text);
    EXPECT_EQ(text.str(), kTree);

    const auto manifest = std::make_unique<manifest::Manifest>();
    ASSERT_TRUE(manifest::read(tree.data(), tree.size(), *manifest).ok());
    EXPECT_TRUE(std::equal(system.domains[0].program->sha256.begin(), system.domains[0].program->sha256.end(),
                           manifest->domains[1].program));
}

// A stream is two rings that root marks when a side ends, one in each direction; the opener names the pair. Streams of
// both directions are two pairs, and the rings that authors declare stay what they are.
TEST(Compile, AStreamIsAPairOfRings) {
    const test::Workplace workplace;
    std::map<std::string, std::string> files = kFiles;
    files["apps/pump/app.toml"] += "\n[[stream]]\nto = \"log\"\nsize = \"20000\"\n";
    files["core/log/app.toml"] += "\n[[stream]]\nto = \"pump_a\"\n";
    put_files(files);
    Diagnostics diagnostics;
    const System system = load(diagnostics);
    ASSERT_EQ(joined(diagnostics.lines(), "\n"), "(none)");
    const tools::Buffer tree = emit_manifest(system);
    const auto manifest = std::make_unique<manifest::Manifest>();
    ASSERT_TRUE(manifest::read(tree.data(), tree.size(), *manifest).ok());

    std::vector<std::string> rings;
    for (uint32_t i = 0; i < manifest->ring_count; ++i) {
        const manifest::Ring& ring = manifest->rings[i];
        rings.push_back(std::string(ring.name) + " " + manifest->domains[ring.producer].name + " " +
                        manifest->domains[ring.consumer].name + " " + std::to_string(ring.bytes) +
                        (ring.stream ? " stream" : ""));
    }
    std::sort(rings.begin(), rings.end());
    const std::vector<std::string> expected = {
        "samples pump_a log 8192",
        "stream_3_4_in pump_a log 131072 stream",
        "stream_3_4_out log pump_a 131072 stream",
        "stream_4_3_in log pump_a 20480 stream",
        "stream_4_3_out pump_a log 20480 stream",
    };
    EXPECT_EQ(rings, expected);
    EXPECT_NE(report_of(system).find("stream_4_3_out"), std::string::npos) << "its memory is in the report";
}

TEST(Compile, AParameterIsReplaced) {
    const test::Workplace workplace;
    put_files(kFiles);
    Diagnostics diagnostics;
    System system = load(diagnostics);
    const auto value = [&system] {
        const auto pump = std::find_if(system.domains.begin(), system.domains.end(),
                                       [](const Domain& domain) { return domain.name.value == "pump_a"; });
        return pump->parameters.at("interval_ms").value;
    };
    EXPECT_EQ(value(), "50");
    replace_parameter(system, "pump_a.interval_ms=a=b");
    EXPECT_EQ(value(), "a=b");
    for (const char* wrong : {"pump_a.interval_ms", "pump_a=1", "pump_a.other=1", "nobody.interval_ms=1",
                              "=pump_a.interval_ms", "pump_a.interval_ms=\n"}) {
        EXPECT_THROW(replace_parameter(system, wrong), tools::Error) << wrong;
    }
    EXPECT_EQ(value(), "a=b");
}

// What root does not load is not in the image, and what it loads is as it was.
TEST(Compile, ProgramsAreCutDown) {
    Program program;
    program.contents = test::program_elf("good").file();
    const std::vector<uint8_t> whole = program.contents;
    program.contents.resize(whole.size() + 5000, 0x5a);
    ASSERT_EQ(check_program(program).found, "");
    EXPECT_LE(program.contents.size(), whole.size());
    for (const Elf64_Phdr& segment : test::program_elf("good").segments) {
        if (segment.p_type != PT_LOAD || segment.p_filesz == 0) continue;
        ASSERT_LE(segment.p_offset + segment.p_filesz, program.contents.size());
        EXPECT_TRUE(std::equal(whole.begin() + static_cast<std::ptrdiff_t>(segment.p_offset),
                               whole.begin() + static_cast<std::ptrdiff_t>(segment.p_offset + segment.p_filesz),
                               program.contents.begin() + static_cast<std::ptrdiff_t>(segment.p_offset)));
    }
}

TEST(Compile, SameBytesAgain) {
    const test::Workplace workplace;
    put_files(kFiles);
    Diagnostics first;
    Diagnostics second;
    const System one = load(first);
    const System two = load(second);
    EXPECT_EQ(emit_manifest(one), emit_manifest(two));
    EXPECT_EQ(report_of(one), report_of(two));
    EXPECT_EQ(graph_of(one), graph_of(two));
}

TEST(Compile, ReportSaysWhatIsThere) {
    const test::Workplace workplace;
    put_files(kFiles);
    Diagnostics diagnostics;
    const std::string report = report_of(load(diagnostics));
    for (const char* line : {
             "# pump-station, generation 7",
             "## Domain 4: pump_a",
             "| app | core:appman |",
             "| app | apps/pump |",
             "| adc | 0x09030000 | 0x00001000 | adc 39 level, adc-1 40 edge | yes |",
             "| rights | manifest, control |",
             "| pump_a | log | log | no | 4K | yes | no | yes | no |",
             "| show | directory | directory (implicit) | yes | - | no | no | yes | yes |",
             "| samples | pump_a | log | 8K |",
             "| 0x4000000000 | 0x4000002000 | pump_a | wide |",
             "| appman | show | appman -> show (right \"control\") |",
             "| log | pump_a | log -> pump_a (ring \"samples\") |",
             "- show from appman",
             "| normal | 1 | pump_a 10.00 % | 10.00 % | 90.00 % |",
             "| field | rest_for_one | pump_a, show | 3 in 60 s | mode:reserve | 0, 100 ms |",
             "1. directory\n1. log\n1. appman\n1. pump_a\n1. show\n",
         }) {
        EXPECT_NE(report.find(line), std::string::npos) << line << "\nis not in\n" << report;
    }
}

TEST(Compile, GraphHasDomainsConnectionsRingsAndDenials) {
    const test::Workplace workplace;
    put_files(kFiles);
    Diagnostics diagnostics;
    const std::string graph = graph_of(load(diagnostics));
    for (const char* part :
         {"\"log\" [fillcolor=\"#cfe3f5\"", "\"show\" -> \"log\" [label=\"log\"]",
          "\"pump_a\" -> \"log\" [label=\"samples\", penwidth=3", "\"show\" -> \"appman\" [style=dashed"}) {
        EXPECT_NE(graph.find(part), std::string::npos) << part << "\nis not in\n" << graph;
    }
    EXPECT_EQ(graph.find("-> \"directory\""), std::string::npos) << "connections that everybody has are not drawn";
}

TEST(Compile, InterfacesAreLookedForIfAskedFor) {
    const test::Workplace workplace;
    put_files(kFiles);
    test::put_file("idl/other.capnp", "");
    Folders folders = test::folders();
    folders.interfaces = {"idl"};
    Diagnostics diagnostics;
    load_system("system.toml", folders, diagnostics);
    ASSERT_EQ(joined(diagnostics.lines(), "\n"),
              "core/log/app.toml:8:13: the interface \"log\" is unknown; expected a file log.capnp in idl");
}

TEST(Compile, DiagnosticsQuoteTheLine) {
    const test::Workplace workplace;
    put_files(kFiles);
    test::put_file("system.toml", "[system]\nname = \"x\"\ngeneration = 0\n");
    Diagnostics diagnostics;
    load(diagnostics);
    std::ostringstream out;
    diagnostics.print(out);
    EXPECT_NE(out.str().find("system.toml:3:14: generation is 0; expected 1 to 9223372036854775807\n"
                             "    generation = 0\n"
                             "                 ^\n"),
              std::string::npos)
        << out.str();
}

// Changes to texts that make descriptions nearly good, so that the checks behind the parser are reached as well.
std::string mutated(std::string text, std::mt19937& random) {
    static const char* const kPieces[] = {"0",
                                          "1",
                                          "-1",
                                          "251",
                                          "4096",
                                          "\"64K\"",
                                          "\"\"",
                                          "true",
                                          "[]",
                                          "{}",
                                          "\"log\"",
                                          "\"pump_a\"",
                                          "\"show\"",
                                          "99999999999",
                                          "0x09030000",
                                          "\"normal\"",
                                          "1e300",
                                          "[[app]]\npath = \"apps/pump\"\n",
                                          "[[uses]]\nport = \"log\"\n",
                                          "[[ring]]\nname = \"r\"\nto = \"show\"\nsize = 1\n",
                                          "passive = true\n",
                                          "[[deny]]\nfrom = \"show\"\nto = \"log\"\n",
                                          "\xff",
                                          "'",
                                          "\n",
                                          "= ",
                                          "#"};
    for (unsigned i = 0; i <= random() % 2; ++i) {
        std::vector<size_t> lines = {0};
        for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) {
            lines.push_back(at + 1);
        }
        const size_t start = lines[random() % lines.size()];
        const size_t end = std::min(text.find('\n', start), text.size());
        const char* const piece = kPieces[random() % std::size(kPieces)];
        switch (random() % 6) {
            case 0: text.erase(start, end - start); break;
            case 1: text.insert(start, text.substr(start, end - start + 1)); break;
            case 2: text.insert(start, piece); break;
            case 3:  // another value
                if (const size_t equals = text.find("= ", start); equals < end) {
                    text.replace(equals + 2, end - equals - 2, piece);
                }
                break;
            case 4:
                if (!text.empty()) {
                    text[random() % text.size()] = static_cast<char>(random());
                }
                break;
            default: text.insert(random() % (text.size() + 1), piece); break;
        }
    }
    return text;
}

TEST(Compile, WhatTheCompilerAcceptsRootAccepts) {
    const char* const given = std::getenv("KOS_TEST_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 1;
    std::printf("seed %u (KOS_TEST_SEED)\n", seed);
    std::mt19937 random(seed);
    const test::Workplace workplace;
    put_files(kFiles);
    std::vector<std::string> names;
    for (const auto& [name, text] : kFiles) {
        names.push_back(name);
    }
    unsigned accepted = 0;
    unsigned refused = 0;
    constexpr unsigned kRounds = 1500;
    for (unsigned round = 0; round < kRounds; ++round) {
        const std::string& name = names[random() % names.size()];
        test::put_file(name, mutated(kFiles.at(name), random));
        Diagnostics diagnostics;
        const System system = load(diagnostics);
        if (diagnostics.has_errors()) {
            ++refused;
            ASSERT_FALSE(diagnostics.lines().empty());
        } else {
            ++accepted;
            // Throws if the decoder refuses the tree.
            ASSERT_NO_THROW(emit_manifest(system)) << "round " << round << ", seed " << seed << ":\n"
                                                   << test::text_of(name);
            ASSERT_FALSE(report_of(system).empty());
        }
        test::put_file(name, kFiles.at(name));
    }
    std::printf("%u accepted, %u refused\n", accepted, refused);
    EXPECT_GT(accepted, kRounds / 20);
    EXPECT_GT(refused, kRounds / 20);
}

}  // namespace
}  // namespace kos::compiler
