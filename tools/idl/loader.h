// Checks a CodeGeneratorRequest and turns it into the model.
#pragma once

#include <capnp/schema.capnp.h>

#include "model.h"

namespace kos::idl {

// Everything that the request asks for. Mistakes of the schemas are in `errors`, each with its place, what was found
// and what was expected; then the rest of the model is incomplete.
Model load(capnp::schema::CodeGeneratorRequest::Reader request);

}  // namespace kos::idl
