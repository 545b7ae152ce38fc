// The C++ binding of a schema, NAME.hpp: a client class and a server base class over the C binding's codecs.
//
// No virtual functions: the server base class is given the class that derives from it.
#include <algorithm>

#include "c_names.h"
#include "cpp_names.h"
#include "emit.h"
#include "emit_c_codec.h"
#include "writer.h"

namespace kos::idl {

namespace {

using namespace cpp;
using c::client_type;
using c::Codec;
using c::length_name;
using c::member;
using c::prefix;
using c::type_name;

std::string parameters(const Message& message, bool received) {
    std::string result;
    for (const Field& field : message.fields) {
        if (!result.empty()) result += ", ";
        result += parameter_type(field.type, received) + " " + member(field);
    }
    return result;
}

std::string handler_parameters(const Message& message) {
    std::string result = "const Caller&";
    for (const Field& field : message.fields) result += ", " + parameter_type(field.type, true);
    return result;
}

void emit_answer_struct(Writer& out, const Method& method) {
    if (method.answer.empty() || single(method.answer)) return;
    out.open("struct % {", answer_struct(method));
    for (const Field& field : method.answer.fields) {
        out.comment(field.doc);
        if (field.type.array()) {
            out.line("% %[%] = {};", c::element_type(field.type), member(field), field.type.bytes);
        } else {
            out.line("% % = {};", value_type(field.type), member(field));
        }
    }
    out.close("};");
    out.blank();
}

// --- Client

std::string to_c_arguments(const Message& message) {
    std::string result;
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        result += ", ";
        if (field.type.variable()) {
            result += name + ".data(), " + name + ".size()";
        } else if (field.type.kind == Kind::kFixedData) {
            result += name + ".data()";
        } else if (field.type.kind == Kind::kStruct) {
            result += "&" + name;
        } else if (field.type.token()) {
            result += to_c_token(field.type, name + ".slot()");
        } else {
            result += name;
        }
    }
    return result;
}

void emit_client_method(Writer& out, const Interface& interface, const Method& method) {
    out.comment(method.doc);
    out.open("% %(%) const {", result_type(method), snake(method.name), parameters(method.request, false));
    std::string outs;
    for (const Field& field : method.answer.fields) {
        const std::string name = "out_" + member(field);
        if (field.type.variable()) {
            out.line("const %* % = nullptr;", c::element_type(field.type), name);
            out.line("size_t %_length = 0;", name);
            outs += ", &" + name + ", &" + name + "_length";
        } else if (field.type.array()) {
            out.line("% %[%];", c::element_type(field.type), name, field.type.bytes);
            outs += ", &" + name + "[0]";
        } else {
            out.line("% % = {};", c::value_type(field.type), name);
            outs += ", &" + name;
        }
    }
    out.line("kos_status_t const status_ = %_client_%({slot_}%%);", prefix(interface), snake(method.name),
             to_c_arguments(method.request), outs);
    if (method.answer.empty()) {
        out.line("return Result<void>(status_);");
        out.close();
        return;
    }
    out.line("if (!kos_status_is_ok(status_)) return Failure{status_};");
    const auto from = [](const Field& field) {
        const std::string name = "out_" + member(field);
        if (field.type.variable()) return value_type(field.type) + "(" + name + ", " + name + "_length)";
        if (field.type.token()) return value_type(field.type) + "(" + from_c_token(field.type, name) + ")";
        return name;
    };
    if (single(method.answer)) {
        out.line("return {%, status_};", from(method.answer.fields[0]));
    } else {
        out.line("% answer_;", answer_struct(method));
        for (const Field& field : method.answer.fields) {
            if (field.type.array()) {
                out.line("__builtin_memcpy(answer_.%, out_%, %);", member(field), member(field), field.type.bytes);
            } else {
                out.line("answer_.% = %;", member(field), from(field));
            }
        }
        out.line("return {std::move(answer_), status_};");
    }
    out.close();
}

void emit_client_class(Writer& out, const Interface& interface) {
    out.open("class Client {");
    out.line("public:");
    out.line("constexpr Client() = default;");
    out.line("constexpr explicit Client(kos_slot_t slot) : slot_(slot) {}");
    out.line("constexpr kos_slot_t slot() const { return slot_; }");
    out.blank();
    out.line("// Asks the directory for `port`; waits until it is bound.");
    out.open("static Result<Client> connect(const char* port) {");
    out.line("% client = {};", client_type(interface));
    out.line("kos_status_t const status = %_connect(port, &client);", prefix(interface));
    out.line("if (!kos_status_is_ok(status)) return Failure{status};");
    out.line("return {Client(client.slot), status};");
    out.close();
    out.blank();
    for (const Method& method : interface.methods) {
        out.line("%;", (method.one_way ? "Result<void> " : result_type(method) + " ") + snake(method.name) + "(" +
                           parameters(method.request, false) + ") const");
    }
    out.blank();
    out.line("private:");
    out.line("kos_slot_t slot_ = 0;");
    out.close("};");
    out.blank();
}

// Behind all classes: a method may return a client whose class comes later.
void emit_client_methods(Writer& out, const Interface& interface) {
    for (const Method& method : interface.methods) {
        Writer body;
        emit_client_method(body, interface, method);
        std::string text = body.text();
        const std::string head = result_type(method) + " " + snake(method.name) + "(";
        const size_t at = text.find(head);
        text.replace(at, head.size(), "inline " + result_type(method) + " Client::" + snake(method.name) + "(");
        out.raw(text);
        out.blank();
    }
}

// --- Server

std::string handler_arguments(const Message& message) {
    std::string result = "caller";
    for (const Field& field : message.fields) {
        const std::string value = "in." + member(field);
        result += ", ";
        if (field.type.variable()) {
            result += view_type(field.type) + "(" + value + ", in." + length_name(field) + ")";
        } else if (field.type.kind == Kind::kFixedData) {
            result += parameter_type(field.type, true) + "(" + value + ")";
        } else if (field.type.token()) {
            result += parameter_type(field.type, true) + "(" + from_c_token(field.type, value) +
                      (field.type.own ? ", in." + c::own_name(field) : "") + ")";
        } else {
            result += value;
        }
    }
    return result;
}

// Calls the method with the view `in`; what it returns is in `result` and in the view `out`.
void emit_handle(Writer& out, const Codec& ask, const Codec& reply) {
    out.line("% result = derived().%(%);", result_type(ask.method), snake(ask.method.name),
             handler_arguments(ask.message));
    out.line("if (!result.ok()) return kos_idl_server_failure(result.status(), %);",
             ask.method.deferred ? "true" : "false");
    if (reply.message.empty()) return;
    out.line("%_t out;", reply.name());
    for (const Field& field : reply.message.fields) {
        const std::string target = "out." + member(field);
        const std::string value = single(reply.message) ? "result.value()" : "result.value()." + member(field);
        if (field.type.variable()) {
            out.line("% = %.data();", target, value);
            out.line("out.% = %.size();", length_name(field), value);
        } else if (field.type.array()) {
            out.line("__builtin_memcpy(%, %, %);", target, value, field.type.bytes);
        } else if (field.type.token()) {
            out.line("% = %;", target, to_c_token(field.type, value + ".slot()"));
        } else {
            out.line("% = %;", target, value);
        }
    }
}

// As emit_case, without messages in memory.
void emit_words_case(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = c::request(interface, method);
    const Codec reply = c::answer(interface, method);
    out.open("case %: {", c::label(interface, method));
    if (ask.message.empty()) {
        out.line("if (KOS_IDL_UNLIKELY((param | word0 | word1) != 0)) return KOS_STATUS_BAD_REQUEST;");
    } else {
        out.line("%_t in;", ask.name());
        out.line("if (KOS_IDL_UNLIKELY(!%_parse(param, word0, word1, &in))) return KOS_STATUS_BAD_REQUEST;",
                 ask.name());
    }
    emit_handle(out, ask, reply);
    if (!reply.message.empty()) {
        c::emit_check_sender(out, reply.message, "(&out)", "KOS_STATUS_INTERNAL_ERROR");
        c::emit_put_words(out, reply.message, "(&out)", {"answer.param", "answer.words[0]", "answer.words[1]"});
    }
    out.line("return result.status();");
    out.close();
}

void emit_case(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = c::request(interface, method);
    const Codec reply = c::answer(interface, method);
    out.open("case %: {", c::label(interface, method));
    if (!ask.message.empty()) out.line("%_t in;", ask.name());
    out.line("if (!%_decode(&request%)) return kos_idl_refuse(&request, KOS_STATUS_BAD_REQUEST);", ask.name(),
             ask.message.empty() ? "" : ", &in");
    emit_handle(out, ask, reply);
    if (reply.message.empty()) {
        out.line("return result.status();");
        out.close();
        return;
    }
    out.line("if (%_encode(&out, &answer%) != KOS_STATUS_OK) return KOS_STATUS_INTERNAL_ERROR;", reply.name(),
             c::needs_buffer(reply.message) ? ", buffer_" : "");
    if (const Field* token = reply.message.token_field()) {
        out.line("(void)result.value()%.release();  // goes with the answer",
                 single(reply.message) ? "" : "." + member(*token));
    }
    out.line("return result.status();");
    out.close();
}

void emit_queued_case(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = c::request(interface, method);
    out.open("case %: {", c::label(interface, method));
    if (ask.message.empty()) {
        out.line("if (size != 0) return false;");
    } else {
        out.line("%_t in;", ask.name());
        out.line("if (!%_parse_bytes(reinterpret_cast<const uint8_t*>(copy), size, &in)) return false;", ask.name());
    }
    out.line("derived().%(%);", snake(method.name), handler_arguments(ask.message));
    out.line("return true;");
    out.close();
}

void emit_server_class(Writer& out, const Interface& interface) {
    const bool queue = std::any_of(interface.methods.begin(), interface.methods.end(),
                                   [](const Method& method) { return method.one_way; });
    const bool words = std::any_of(interface.methods.begin(), interface.methods.end(), c::words_only);
    uint32_t buffer = 0;
    for (const Method& method : interface.methods) {
        if (c::needs_buffer(method.answer)) buffer = std::max(buffer, method.answer.payload_max);
    }
    out.line(
        "// class Mine : public Server<Mine> { public: the methods below that it serves }; the others answer "
        "NOT_IMPLEMENTED.");
    out.line("// Views that a method gets are valid until it returns; views that it returns, until the next request.");
    out.line("// A token that it returns goes to the caller. One object per thread that serves.");
    out.line("template <typename Derived>");
    out.open("class Server {");
    out.line("public:");
    out.line("Server() = default;");
    out.line("Server(const Server&) = delete;");
    out.line("Server& operator=(const Server&) = delete;");
    out.blank();
    for (const Method& method : interface.methods) {
        out.comment(method.doc);
        if (method.one_way) {
            out.line("void %(%) {}", snake(method.name), handler_parameters(method.request));
        } else {
            if (method.deferred)
                out.line(
                    "// May kos_server_defer(server(), ...), return Failure{KOS_STATUS_NO_REPLY}, and answer later.");
            out.line("% %(%) { return Failure{KOS_STATUS_NOT_IMPLEMENTED}; }", result_type(method), snake(method.name),
                     handler_parameters(method.request));
        }
    }
    out.blank();
    out.line(
        "// Whose requests are served; the others' are answered BAD_REQUEST. For servers without tokens: not those of "
        "tokens.");
    out.line("bool accepts(const Caller&) const { return true; }");
    out.blank();
    out.line(
        "// Serves this interface on all ports of the domain, until it is asked to stop. Signals go to the method");
    out.line("// signalled(uint64_t bits), if there is one, or else to what server()->signalled was set to.");
    out.open("Result<void> run() {");
    out.open(
        "server_.call = [](kos_server_t* server, const Caller* caller, const kos_msg_t* request, kos_msg_t* answer) {");
    out.line("return static_cast<Derived*>(server->context)->dispatch(*caller, *request, *answer);");
    out.close("};");
    if (words) {
        out.open(
            "server_.call_words = [](kos_server_t* server, const Caller* caller, uint64_t label, uint64_t param, "
            "uint64_t word0, uint64_t word1, kos_words_t* answer) {");
        out.line(
            "return static_cast<Derived*>(server->context)->dispatch_words(*caller, label, param, word0, word1, "
            "*answer);");
        out.close("};");
    }
    if (queue) {
        out.open(
            "server_.queued = [](kos_server_t* server, const Caller* caller, uint64_t label, const void* bytes, size_t "
            "size) {");
        out.line("(void)static_cast<Derived*>(server->context)->dispatch_queued(*caller, label, bytes, size);");
        out.close("};");
    }
    out.open("if constexpr (requires(Derived& server, uint64_t bits) { server.signalled(bits); }) {");
    out.open("server_.signalled = [](kos_server_t* server, uint64_t bits) {");
    out.line("static_cast<Derived*>(server->context)->signalled(bits);");
    out.close("};");
    out.close();
    out.line("server_.context = static_cast<Derived*>(this);");
    out.line("return Result<void>(kos_server_run(&server_));");
    out.close();
    out.blank();
    out.line(
        "// To be called by servers of several interfaces, for the one that `caller` asks for (its port and token).");
    const bool any_call = std::any_of(interface.methods.begin(), interface.methods.end(),
                                      [](const Method& method) { return !method.one_way; });
    out.open("kos_status_t dispatch(% const kos_msg_t& request, %) {",
             any_call ? "const Caller& caller," : "const Caller&,", any_call ? "kos_msg_t& answer" : "kos_msg_t&");
    if (any_call) {
        out.line("(void)answer;");
        out.line("if (!derived().accepts(caller)) return kos_idl_refuse(&request, KOS_STATUS_BAD_REQUEST);");
    }
    out.open("switch (request.label) {");
    for (const Method& method : interface.methods) {
        if (!method.one_way) emit_case(out, interface, method);
    }
    out.line("default: return kos_idl_refuse(&request, KOS_STATUS_BAD_REQUEST);");
    out.close();
    out.close();
    out.blank();
    if (words) {
        out.line("// Likewise for kos_server_t.call_words; 0: this is for dispatch().");
        out.open(
            "kos_status_t dispatch_words(const Caller& caller, uint64_t label, uint64_t param, uint64_t word0, "
            "uint64_t word1, [[maybe_unused]] kos_words_t& answer) {");
        out.line("if (!derived().accepts(caller)) return KOS_STATUS_BAD_REQUEST;");
        out.open("switch (label) {");
        for (const Method& method : interface.methods) {
            if (c::words_only(method)) emit_words_case(out, interface, method);
        }
        out.line("default: return 0;");
        out.close();
        out.close();
        out.blank();
    }
    if (queue) {
        out.line(
            "// Likewise for kos_server_t.queued; false: the message is none of this interface, and had no effect.");
        out.open("bool dispatch_queued(const Caller& caller, uint64_t label, const void* bytes, size_t size) {");
        out.line("KOS_IDL_BUFFER(copy, KOS_QUEUE_INLINE_BYTES);");
        out.line("if (size > sizeof copy) return false;");
        out.line("if (size != 0) __builtin_memcpy(copy, bytes, size);");
        out.open("switch (label) {");
        for (const Method& method : interface.methods) {
            if (method.one_way) emit_queued_case(out, interface, method);
        }
        out.line("default: return false;");
        out.close();
        out.close();
        out.blank();
    }
    out.line("kos_server_t* server() { return &server_; }");
    out.blank();
    out.line("private:");
    out.line("Derived& derived() { return static_cast<Derived&>(*this); }");
    out.blank();
    out.line("kos_server_t server_ = {};");
    if (buffer) out.line("KOS_IDL_BUFFER(buffer_, %) = {};  // of answers", buffer);
    out.close("};");
    out.blank();
}

void emit_helpers(Writer& out, const Interface& interface) {
    for (const Method& method : interface.methods) {
        if (!method.deferred) continue;
        out.line("// Answers a deferred %.", snake(method.name));
        const std::string separator = method.answer.empty() ? "" : ", ";
        out.open("inline Result<void> answer_%(const Deferred& deferred%%) {", snake(method.name), separator,
                 parameters(method.answer, false));
        out.line("return Result<void>(%_%_answer(&deferred%));", prefix(interface), snake(method.name),
                 to_c_arguments(method.answer));
        out.close();
        out.blank();
    }
    out.line("// A token for this interface on the own port `port`, for domain `holder` (kos_msg_token_create).");
    out.open("inline Result<Owned<Client>> create_token(const char* port, uint64_t number, uint16_t holder) {");
    out.line("% token = {};", client_type(interface));
    out.line("kos_status_t const status = %_token_create(port, number, holder, &token);", prefix(interface));
    out.line("if (!kos_status_is_ok(status)) return Failure{status};");
    out.line("return {Owned<Client>(Client(token.slot)), status};");
    out.close();
    out.blank();
}

void emit_alias(Writer& out, const Named& named) {
    out.line("namespace % {", space(named, false));
    out.line("using % = ::%;", alias(named), type_name(named));
    out.line("}");
}

}  // namespace

std::string emit_cpp_header(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: C++ binding.", schema.file);
    out.comment(schema.doc);
    out.line("#pragma once");
    out.blank();
    out.line("#include <kos/idl.hpp>");
    out.line("#include <kos/idl/%.h>", schema.file);
    for (const std::string& include : schema.includes) out.line("#include <kos/idl/%.hpp>", include);
    out.blank();
    out.line("namespace kos::idl {");
    out.blank();
    for (const Enum* item : schema.enums) emit_alias(out, *item);
    for (const Struct* item : schema.structs) emit_alias(out, *item);
    for (const Interface* item : schema.interfaces) {
        out.line("namespace % {", space(*item, true));
        out.line("class Client;");
        out.line("}");
    }
    out.blank();
    // Declarations of the classes in full come before everything that has one as a value.
    for (const Interface* item : schema.interfaces) {
        out.line("namespace % {", space(*item, true));
        out.blank();
        for (const Method& method : item->methods) {
            if (!method.answer.empty() && !single(method.answer)) out.line("struct %;", answer_struct(method));
        }
        out.comment(item->doc);
        emit_client_class(out, *item);
        out.line("}  // namespace %", space(*item, true));
        out.blank();
    }
    for (const Interface* item : schema.interfaces) {
        out.line("namespace % {", space(*item, true));
        out.blank();
        for (const Method& method : item->methods) emit_answer_struct(out, method);
        emit_client_methods(out, *item);
        emit_server_class(out, *item);
        emit_helpers(out, *item);
        out.line("}  // namespace %", space(*item, true));
        out.blank();
    }
    out.line("}  // namespace kos::idl");
    return out.text();
}

}  // namespace kos::idl
