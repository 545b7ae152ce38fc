// The outputs of the tool: one function per file that is written for a schema.
#pragma once

#include <string>

#include "model.h"

namespace kos::idl {

std::string emit_c_header(const Schema& schema);    // NAME.h: types, codecs, client, server table
std::string emit_c_source(const Schema& schema);    // NAME.c: dispatch
std::string emit_cpp_header(const Schema& schema);  // NAME.hpp: client class, server base class
std::string emit_rust(const Schema& schema);        // NAME.rs
std::string emit_elixir(const Schema& schema);      // NAME.ex
std::string emit_markdown(const Schema& schema);    // NAME.md: reference page
std::string emit_trace(const Schema& schema);       // NAME_trace.cpp: table for the trace decoder
std::string emit_probe(const Schema& schema);       // NAME_probe.cpp: codecs and stubs as the tests call them

}  // namespace kos::idl
