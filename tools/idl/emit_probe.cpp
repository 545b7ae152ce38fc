// Test code of a schema, NAME_probe.cpp: what tools/idl/testing/probe.h says about each method.
//
// Not part of any binding. It uses the bindings as an application does, with random values on both sides.
#include <algorithm>

#include "c_names.h"
#include "cpp_names.h"
#include "emit.h"
#include "emit_c_codec.h"
#include "writer.h"

namespace kos::idl {

namespace {

using c::Codec;
using c::length_name;
using c::member;
using c::prefix;

std::string dotted(const Named& named) {
    std::string result;
    for (const std::string& part : named.path) result += (result.empty() ? "" : ".") + part;
    return result;
}

void emit_fill_value(Writer& out, const Type& type, const std::string& value) {
    switch (type.kind) {
        case Kind::kBool: out.line("random.boolean(%);", value); break;
        case Kind::kUnsigned:
        case Kind::kSigned:
        case Kind::kFloat: out.line("random.number(%);", value); break;
        case Kind::kEnum: out.line("random.enumeration(%, %);", value, type.enumeration->values.size()); break;
        case Kind::kStruct: out.line("fill(random, %);", value); break;
        case Kind::kFixedText: out.line("random.fixed_text(%, %);", value, type.bytes); break;
        case Kind::kFixedData: out.line("random.fixed_data(%, %);", value, type.bytes); break;
        default: break;
    }
}

void emit_fill_struct(Writer& out, const Struct& item) {
    out.open("[[maybe_unused]] void fill(RandomValues& random, %& value) {", c::type_name(item));
    out.line("std::memset(&value, 0, sizeof value);");
    for (const Field& field : item.fields) emit_fill_value(out, field.type, "value." + member(field));
    out.close();
    out.blank();
}

// Also structs of other schemas, each behind those that it contains.
void add_struct(std::vector<const Struct*>& list, const Type& type) {
    const Type& inner = type.element ? *type.element : type;
    if (!inner.structure) return;
    for (const Field& field : inner.structure->fields) add_struct(list, field.type);
    if (std::find(list.begin(), list.end(), inner.structure) == list.end()) list.push_back(inner.structure);
}

std::vector<const Struct*> structs_of(const Schema& schema) {
    std::vector<const Struct*> result;
    for (const Interface* interface : schema.interfaces) {
        for (const Method& method : interface->methods) {
            for (const Field& field : method.request.fields) add_struct(result, field.type);
            for (const Field& field : method.answer.fields) add_struct(result, field.type);
        }
    }
    return result;
}

void emit_fill_message(Writer& out, const Codec& codec) {
    out.open("[[maybe_unused]] void fill(RandomValues& random, %_t& value) {", codec.name());
    out.line("std::memset(&value, 0, sizeof value);");
    for (const Field& field : codec.message.fields) {
        const std::string name = "value." + member(field);
        const std::string length = "value." + length_name(field);
        switch (field.type.kind) {
            case Kind::kText: out.line("random.text(%, %, %);", name, length, field.type.max); break;
            case Kind::kData: out.line("random.data(%, %, %);", name, length, field.type.max); break;
            case Kind::kToken:
                out.line("%% = 1 + random.below(100);", name, field.type.interface ? ".slot" : "");
                if (field.type.optional) {
                    out.line("if (random.below(2)) %% = 0;", name, field.type.interface ? ".slot" : "");
                }
                break;
            case Kind::kList:
                out.open("{");
                out.line("auto* const elements = random.list(%, %, %);", name, length, field.type.max);
                out.open("for (size_t i = 0; i < %; ++i) {", length);
                emit_fill_value(out, *field.type.element, "elements[i]");
                out.close();
                out.close();
                break;
            default: emit_fill_value(out, field.type, name);
        }
    }
    out.close();
    out.blank();
    out.open("[[maybe_unused]] bool same_view_(const %_t& a, const %_t& b) {", codec.name(), codec.name());
    for (const Field& field : codec.message.fields) {
        const std::string name = member(field);
        if (field.type.variable()) {
            out.line("if (a.% != b.%) return false;", length_name(field), length_name(field));
            out.line("if (a.% != 0 && std::memcmp(a.%, b.%, a.% * sizeof *a.%) != 0) return false;", length_name(field),
                     name, name, length_name(field), name);
        } else {
            out.line("if (std::memcmp(&a.%, &b.%, sizeof a.%) != 0) return false;", name, name, name);
        }
    }
    out.line("return true;");
    out.close();
    out.blank();
}

// --- Codecs

void emit_message_functions(Writer& out, const Codec& codec) {
    const std::string name = codec.name();
    const bool one_way = codec.method.one_way;
    out.open(
        "[[maybe_unused]] void make_%([[maybe_unused]] RandomValues& random, kos_msg_t& message, [[maybe_unused]] "
        "void* buffer) {",
        name);
    out.line("message = {};");
    if (codec.is_request) out.line("message.label = %;", c::label(codec.interface, codec.method));
    if (!codec.message.empty()) {
        out.line("%_t view;", name);
        out.line("fill(random, view);");
        if (one_way) {
            out.line(
                "message.payload_bytes = static_cast<uint32_t>(%_put_bytes(&view, static_cast<uint8_t*>(buffer)));",
                name);
            out.line("message.payload = buffer;");
        } else {
            out.line("if (%_encode(&view, &message%) != KOS_STATUS_OK) std::abort();", name,
                     c::needs_buffer(codec.message) ? ", buffer" : "");
        }
    }
    out.close();
    out.blank();
    out.open("[[maybe_unused]] bool recode_%(const kos_msg_t& in, kos_msg_t& out, [[maybe_unused]] void* buffer) {",
             name);
    out.line("out = {};");
    out.line("out.label = in.label;");
    if (codec.message.empty() && one_way) {
        out.line("return in.payload_bytes == 0;");
    } else if (codec.message.empty()) {
        out.line("return %_decode(&in);", name);
    } else {
        out.line("%_t view;", name);
        if (one_way) {
            out.line(
                "if (!%_parse_bytes(static_cast<const uint8_t*>(in.payload), in.payload_bytes, &view)) return false;",
                name);
            out.line("out.payload_bytes = static_cast<uint32_t>(%_put_bytes(&view, static_cast<uint8_t*>(buffer)));",
                     name);
            out.line("out.payload = buffer;");
            out.line("return true;");
        } else {
            out.line("if (!%_decode(&in, &view)) return false;", name);
            if (const Field* const token = codec.message.token_field(); token && token->type.own) {
                out.open("if (view.%.port) {", c::own_name(*token));
                out.line("out = in;  // no client can encode it");
                out.line("return std::memcmp(&view.%, &in.own, sizeof in.own) == 0;", c::own_name(*token));
                out.close();
            }
            out.line("return %_encode(&view, &out%) == KOS_STATUS_OK;", name,
                     c::needs_buffer(codec.message) ? ", buffer" : "");
        }
    }
    out.close();
    out.blank();
}

// --- Round trips

void emit_view_from_parameters(Writer& out, const Message& message, const std::string& view) {
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.array()) {
            out.line("std::memcpy(%.%, %, %);", view, name, name, field.type.bytes);
        } else {
            out.line("%.% = %%;", view, name, field.type.kind == Kind::kStruct ? "*" : "", name);
        }
        if (field.type.variable()) out.line("%.% = %;", view, length_name(field), length_name(field));
    }
}

void emit_parameters_from_view(Writer& out, const Message& message, const std::string& view) {
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.array()) {
            out.line("std::memcpy(%, %.%, %);", name, view, name, field.type.bytes);
        } else {
            out.line("*% = %.%;", name, view, name);
        }
        if (field.type.variable()) out.line("*% = %.%;", length_name(field), view, length_name(field));
    }
}

// What client and server of one method know of each other.
void emit_state(Writer& out, const Codec& ask, const Codec& reply) {
    if (!ask.message.empty()) out.line("%_t sent_;", ask.name());
    if (!reply.message.empty()) out.line("%_t given_;", reply.name());
    out.line("[[maybe_unused]] bool arrived_, same_;");
    out.line("[[maybe_unused]] bool later_;  // answer as a deferred caller");
    out.blank();
    out.open("[[maybe_unused]] void begin([[maybe_unused]] RandomValues& random) {");
    if (!ask.message.empty()) out.line("fill(random, sent_);");
    if (!reply.message.empty()) out.line("fill(random, given_);");
    out.line("arrived_ = false;");
    out.line("same_ = true;");
    out.line("later_ = random.below(2) != 0;");
    out.line("transport().reset();");
    out.close();
    out.blank();
}

void emit_c_round_trip(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = c::request(interface, method);
    const Codec reply = c::answer(interface, method);
    out.open("% handle(%* self_, const kos_caller_t* caller_%%) {", method.one_way ? "void" : "kos_status_t",
             c::server_type(interface), c::handler_parameters(method.request), c::out_parameters(method.answer));
    out.line("(void)self_, (void)caller_;");
    out.line("arrived_ = true;");
    if (!ask.message.empty()) {
        out.line("%_t got_ = {};", ask.name());
        emit_view_from_parameters(out, ask.message, "got_");
        out.line("same_ = same_view_(got_, sent_);");
        for (const Field& field : ask.message.fields) {
            if (field.type.own) out.line("if (%) same_ = false;", c::own_name(field));
        }
    }
    if (method.deferred) {
        out.open("if (later_) {");
        for (const Field& field : reply.message.fields) {
            out.line("(void)%;", member(field));
            if (field.type.variable()) out.line("(void)%;", length_name(field));
        }
        out.line("kos_deferred_t deferred_ = {};");
        out.line("if (kos_server_defer(&self_->server, caller_, &deferred_) != KOS_STATUS_OK) return KOS_STATUS_FULL;");
        out.line("if (%_%_answer(&deferred_%) != KOS_STATUS_OK) return KOS_STATUS_FULL;", prefix(interface),
                 snake(method.name), c::in_arguments(reply.message, "given_"));
        out.line("return KOS_STATUS_NO_REPLY;");
        out.close();
    }
    emit_parameters_from_view(out, reply.message, "given_");
    if (!method.one_way) out.line("return KOS_STATUS_OK;");
    out.close();
    out.blank();
    out.open("kos_status_t call([[maybe_unused]] bool* same_answer) {");
    if (!reply.message.empty()) out.line("%_t got_ = {};", reply.name());
    out.line("kos_status_t const status_ = %_client_%({42}%%);", prefix(interface), snake(method.name),
             c::in_arguments(ask.message, "sent_"), c::out_arguments(reply.message, "got_"));
    if (!reply.message.empty()) out.line("if (same_answer) *same_answer = same_view_(got_, given_);");
    out.line("return status_;");
    out.close();
    out.blank();
    out.open("const char* round_trip(RandomValues& random) {");
    out.line("begin(random);");
    out.line("static % server;", c::server_type(interface));
    out.line("server = {};");
    out.line("server.% = handle;", snake(method.name));
    out.line("if (%_server_run(&server) != KOS_STATUS_OK) return \"run\";", prefix(interface));
    out.line("bool same_answer = true;");
    out.line("if (call(&same_answer) != KOS_STATUS_OK) return \"status\";");
    out.line("return !arrived_ ? \"not arrived\" : !same_ ? \"parameters\" : !same_answer ? \"results\" : nullptr;");
    out.close();
    out.blank();
    out.open("kos_status_t call_random(RandomValues& random) {");
    out.line("const auto instead = transport().answer_instead;");
    out.line("begin(random);");
    out.line("transport().answer_instead = instead;");
    out.line("return call(nullptr);");
    out.close();
    out.blank();
    out.open("kos_status_t dispatch([[maybe_unused]] const kos_msg_t& request) {");
    if (method.one_way) {
        out.line("return KOS_STATUS_NOT_IMPLEMENTED;");
    } else {
        out.line("% server = {};", c::server_type(interface));
        out.line("kos_caller_t const caller = {};");
        out.line("kos_msg_t answer = {};");
        out.line("kos_status_t const status = %_dispatch(&server, &caller, &request, &answer);", prefix(interface));
        if (c::words_only(method)) {
            out.open(
                "return same_in_words(request, status, [&](uint64_t p, uint64_t a, uint64_t b, kos_words_t& words) {");
            out.line("return %_dispatch_words(&server.server, &caller, request.label, p, a, b, &words);",
                     prefix(interface));
            out.close("});");
        } else {
            out.line("return status;");
        }
    }
    out.close();
    out.blank();
}

std::string cpp_parameters(const Message& message) {
    std::string result = "const kos::idl::Caller&";
    for (const Field& field : message.fields) {
        result += ", " + cpp::parameter_type(field.type, true) + " " + member(field);
    }
    return result;
}

// C++'s arguments from a view.
std::string cpp_arguments(const Message& message, const std::string& view) {
    std::string result;
    for (const Field& field : message.fields) {
        const std::string value = view + "." + member(field);
        if (!result.empty()) result += ", ";
        if (field.type.variable()) {
            result += cpp::view_type(field.type) + "(" + value + ", " + view + "." + length_name(field) + ")";
        } else if (field.type.kind == Kind::kFixedData) {
            result += cpp::parameter_type(field.type, false) + "(" + value + ")";
        } else if (field.type.token()) {
            result += cpp::from_c_token(field.type, value);
        } else {
            result += value;
        }
    }
    return result;
}

// A view's member from a C++ value.
void emit_view_member(Writer& out, const Field& field, const std::string& view, const std::string& value) {
    const std::string target = view + "." + member(field);
    if (field.type.variable()) {
        out.line("% = %.data();", target, value);
        out.line("%.% = %.size();", view, length_name(field), value);
    } else if (field.type.kind == Kind::kFixedData) {
        out.line("std::memcpy(%, &%[0], %);", target, value, field.type.bytes);
    } else if (field.type.array()) {
        out.line("std::memcpy(%, %, %);", target, value, field.type.bytes);
    } else if (field.type.token()) {
        // Released, so that the transport sees the slots that are dropped for a reason.
        out.line("% = %;", target, cpp::to_c_token(field.type, value + ".release().slot()"));
    } else {
        out.line("% = %;", target, value);
    }
}

std::string cpp_value(const Field& field, const std::string& view) {
    const std::string value = view + "." + member(field);
    if (field.type.variable())
        return cpp::view_type(field.type) + "(" + value + ", " + view + "." + length_name(field) + ")";
    if (field.type.token()) return cpp::value_type(field.type) + "(" + cpp::from_c_token(field.type, value) + ")";
    return value;
}

void emit_cpp_server(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = c::request(interface, method);
    const Codec reply = c::answer(interface, method);
    const std::string space = "::kos::idl::" + cpp::space(interface, true);
    const std::string result = (reply.message.empty() || cpp::single(reply.message))
                                   ? "::kos::idl::" + cpp::result_type(method)
                                   : "::kos::idl::Result<" + space + "::" + cpp::answer_struct(method) + ">";
    out.open("class CppServer : public %::Server<CppServer> {", space);
    out.line("public:");
    out.open("% %(%) {", method.one_way ? "void" : result, snake(method.name), cpp_parameters(method.request));
    out.line("arrived_ = true;");
    if (!ask.message.empty()) {
        out.line("%_t got_ = {};", ask.name());
        for (const Field& field : ask.message.fields) emit_view_member(out, field, "got_", member(field));
        out.line("same_ = same_view_(got_, sent_);");
    }
    if (method.one_way) {
        out.close();
        out.close("};");
        out.blank();
        return;
    }
    if (method.deferred) {
        out.open("if (later_) {");
        out.line("kos_deferred_t deferred_ = {};");
        out.line("kos_caller_t const caller_ = {};");
        out.line(
            "if (kos_server_defer(server(), &caller_, &deferred_) != KOS_STATUS_OK) return "
            "::kos::idl::Failure{KOS_STATUS_FULL};");
        const std::string arguments = cpp_arguments(reply.message, "given_");
        out.line("if (!%::answer_%(deferred_%%).ok()) return ::kos::idl::Failure{KOS_STATUS_FULL};", space,
                 snake(method.name), arguments.empty() ? "" : ", ", arguments);
        out.line("return ::kos::idl::Failure{KOS_STATUS_NO_REPLY};");
        out.close();
    }
    if (reply.message.empty()) {
        out.line("return {};");
    } else if (cpp::single(reply.message)) {
        out.line("return %;", cpp_value(reply.message.fields[0], "given_"));
    } else {
        out.line("%::% result_;", space, cpp::answer_struct(method));
        for (const Field& field : reply.message.fields) {
            if (field.type.array()) {
                out.line("std::memcpy(result_.%, given_.%, %);", member(field), member(field), field.type.bytes);
            } else {
                out.line("result_.% = %;", member(field), cpp_value(field, "given_"));
            }
        }
        out.line("return result_;");
    }
    out.close();
    out.close("};");
    out.blank();
}

void emit_cpp_round_trip(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = c::request(interface, method);
    const Codec reply = c::answer(interface, method);
    const std::string space = "::kos::idl::" + cpp::space(interface, true);
    emit_cpp_server(out, interface, method);
    out.open("kos_status_t call_cpp([[maybe_unused]] bool* same_answer) {");
    out.line("auto result = %::Client(42).%(%);", space, snake(method.name), cpp_arguments(ask.message, "sent_"));
    if (!reply.message.empty()) {
        out.line("if (!result.ok()) return result.status();");
        out.line("%_t got_ = {};", reply.name());
        for (const Field& field : reply.message.fields) {
            emit_view_member(out, field, "got_",
                             cpp::single(reply.message) ? "result.value()" : "result->" + member(field));
        }
        out.line("if (same_answer) *same_answer = same_view_(got_, given_);");
    }
    out.line("return result.status();");
    out.close();
    out.blank();
    out.open("const char* round_trip_cpp(RandomValues& random) {");
    out.line("begin(random);");
    out.line("CppServer server;");
    out.line("if (!server.run().ok()) return \"run\";");
    out.line("bool same_answer = true;");
    out.line("kos_status_t const status = call_cpp(&same_answer);");
    out.line("transport().server = nullptr;");
    out.line("if (status != KOS_STATUS_OK) return \"status\";");
    out.line("return !arrived_ ? \"not arrived\" : !same_ ? \"parameters\" : !same_answer ? \"results\" : nullptr;");
    out.close();
    out.blank();
    out.open("kos_status_t call_random_cpp(RandomValues& random) {");
    out.line("const auto instead = transport().answer_instead;");
    out.line("begin(random);");
    out.line("transport().answer_instead = instead;");
    out.line("return call_cpp(nullptr);");
    out.close();
    out.blank();
    out.line("class BareServer : public %::Server<BareServer> {};", space);
    out.blank();
    out.open("kos_status_t dispatch_cpp([[maybe_unused]] const kos_msg_t& request) {");
    out.line("BareServer server;");
    out.line("kos_msg_t answer = {};");
    out.line("kos_status_t const status = server.dispatch({}, request, answer);");
    if (c::words_only(method)) {
        out.open("return same_in_words(request, status, [&](uint64_t p, uint64_t a, uint64_t b, kos_words_t& words) {");
        out.line("return server.dispatch_words({}, request.label, p, a, b, words);");
        out.close("});");
    } else {
        out.line("return status;");
    }
    out.close();
    out.blank();
}

std::string probe_row(const Interface& interface, const Method& method) {
    const auto message = [&](const Codec& codec) -> std::string {
        if (!codec.is_request && method.one_way) return "{nullptr, nullptr}";
        return "{make_" + codec.name() + ", recode_" + codec.name() + "}";
    };
    const std::string space = snake(interface.path) + "_" + snake(method.name);
    return "{\"" + dotted(interface) + "\", \"" + method.name + "\", " + message(c::request(interface, method)) + ", " +
           message(c::answer(interface, method)) + ", " + space + "::round_trip, " + space + "::round_trip_cpp, " +
           space + "::call_random, " + space + "::call_random_cpp, " + space + "::dispatch, " + space +
           "::dispatch_cpp}";
}

}  // namespace

std::string emit_probe(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: test code.", schema.file);
    out.line("#include <kos/idl/%.hpp>", schema.file);
    out.blank();
    out.line("#include <cstdlib>");
    out.line("#include <cstring>");
    out.blank();
    out.line("#include \"probe.h\"");
    out.blank();
    out.line("namespace kos::idl::testing {");
    out.blank();
    out.line("namespace {");
    out.blank();
    for (const Struct* item : structs_of(schema)) emit_fill_struct(out, *item);
    for (const Interface* item : schema.interfaces) {
        for (const Method& method : item->methods) {
            for (const Codec& codec : {c::request(*item, method), c::answer(*item, method)}) {
                if (!codec.is_request && method.one_way) continue;
                if (!codec.message.empty()) emit_fill_message(out, codec);
                emit_message_functions(out, codec);
            }
            out.line("namespace %_% {", snake(item->path), snake(method.name));
            out.blank();
            emit_state(out, c::request(*item, method), c::answer(*item, method));
            emit_c_round_trip(out, *item, method);
            emit_cpp_round_trip(out, *item, method);
            out.line("}  // namespace %_%", snake(item->path), snake(method.name));
            out.blank();
        }
    }
    out.open("constexpr MethodProbe kProbes[] = {");
    for (const Interface* item : schema.interfaces) {
        for (const Method& method : item->methods) out.line("%,", probe_row(*item, method));
    }
    out.close("};");
    out.blank();
    out.line("}  // namespace");
    out.blank();
    out.line("extern const std::span<const MethodProbe> probes_%;", schema.file);
    out.line("const std::span<const MethodProbe> probes_% = kProbes;", schema.file);
    out.blank();
    out.line("}  // namespace kos::idl::testing");
    return out.text();
}

}  // namespace kos::idl
