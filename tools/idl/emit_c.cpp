// The C binding of a schema: NAME.h with types, codecs, client functions and server tables, NAME.c with the dispatch.
#include <algorithm>

#include "c_names.h"
#include "emit.h"
#include "emit_c_codec.h"
#include "writer.h"

namespace kos::idl {

namespace {

using namespace c;

void emit_enum(Writer& out, const Enum& item) {
    out.comment(item.doc);
    out.line("#ifdef __cplusplus");
    out.open("enum class % : uint8_t {", type_name(item));
    for (size_t i = 0; i < item.values.size(); ++i) {
        out.comment(item.values[i].doc);
        out.line("k% = %,", pascal(item.values[i].name), i);
    }
    out.close("};");
    for (const Enumerant& value : item.values) {
        out.line("inline constexpr % %_% = %::k%;", type_name(item), macro(item), upper(value.name), type_name(item),
                 pascal(value.name));
    }
    out.line("#else");
    out.line("typedef uint8_t %;", type_name(item));
    out.open("enum {");
    for (size_t i = 0; i < item.values.size(); ++i) {
        out.line("%_% = %,", macro(item), upper(item.values[i].name), i);
    }
    out.close("};");
    out.line("#endif");
    out.blank();
}

void emit_struct(Writer& out, const Struct& item) {
    out.comment(item.doc);
    out.open("typedef struct {");
    const std::vector<Struct::Gap> gaps = item.gaps();
    size_t gap = 0;
    const auto emit_gap_at = [&](uint32_t offset) {
        if (gap == gaps.size() || gaps[gap].offset >= offset) return;
        out.line("uint8_t reserved%_[%];  // zero", gap, gaps[gap].bytes);
        ++gap;
    };
    for (const Field& field : item.fields) {
        emit_gap_at(field.offset);
        out.comment(field.doc);
        if (field.type.array()) {
            out.line("% %[%];", element_type(field.type), member(field), field.type.bytes);
        } else {
            out.line("% %;", value_type(field.type), member(field));
        }
    }
    emit_gap_at(item.bytes + 1);
    out.close("} " + type_name(item) + ";");
    out.line("KOS_IDL_STATIC_ASSERT(sizeof(%) == %, \"layout\");", type_name(item), item.bytes);
    out.blank();
    emit_struct_check(out, item);
}

// --- Client

// Puts a function's arguments into the view `name`.
void emit_fill(Writer& out, const Message& message, const std::string& view, const std::string& failed) {
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.kind == Kind::kFixedText) {
            out.line("if (!kos_idl_fixed_text_put(%.%, %, %)) return %;", view, name, field.type.bytes, name, failed);
        } else if (field.type.kind == Kind::kFixedData) {
            out.line("__builtin_memcpy(%.%, %, %);", view, name, name, field.type.bytes);
        } else if (field.type.kind == Kind::kStruct) {
            out.line("%.% = *%;", view, name, name);
        } else {
            out.line("%.% = %;", view, name, name);
        }
        if (field.type.variable()) out.line("%.% = %;", view, length_name(field), length_name(field));
    }
}

// Hands a view's members to the pointers that a function got.
void emit_hand_out(Writer& out, const Message& message, const std::string& view) {
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.array()) {
            out.line("__builtin_memcpy(%, %.%, %);", name, view, name, field.type.bytes);
        } else {
            out.line("*% = %.%;", name, view, name);
        }
        if (field.type.variable()) out.line("*% = %.%;", length_name(field), view, length_name(field));
    }
}

void emit_call_words(Writer& out, const Codec& ask, const Codec& reply) {
    out.line("kos_words_t words_ = {0, {0, 0}};");
    if (!ask.message.empty()) {
        out.line("%_t request_;", ask.name());
        emit_fill(out, ask.message, "request_", "KOS_STATUS_INVALID_ARGUMENT");
        out.line("%_pack(&request_, &words_.param, words_.words);", ask.name());
    }
    out.line("kos_status_t const status_ = kos_idl_call_words(client_.slot, %, &words_);",
             label(ask.interface, ask.method));
    out.line("if (KOS_IDL_UNLIKELY(!kos_status_is_ok(status_))) return kos_idl_failure(status_);");
    if (reply.message.empty()) {
        out.line("if ((words_.param | words_.words[0] | words_.words[1]) != 0) return KOS_STATUS_PEER_INVALID;");
    } else {
        out.line("%_t answer_;", reply.name());
        out.line(
            "if (!%_parse(words_.param, words_.words[0], words_.words[1], &answer_)) return KOS_STATUS_PEER_INVALID;",
            reply.name());
        emit_hand_out(out, reply.message, "answer_");
    }
    out.line("return status_;");
}

void emit_call_message(Writer& out, const Codec& ask, const Codec& reply) {
    out.line("kos_msg_t message_;");
    out.line("__builtin_memset(&message_, 0, sizeof message_);");
    if (!ask.message.empty()) {
        out.line("%_t request_;", ask.name());
        emit_fill(out, ask.message, "request_", "KOS_STATUS_INVALID_ARGUMENT");
        if (needs_buffer(ask.message)) out.line("KOS_IDL_BUFFER(buffer_, %);", ask.message.payload_max);
        out.line("kos_status_t const encoded_ = %_encode(&request_, &message_%);", ask.name(),
                 needs_buffer(ask.message) ? ", buffer_" : "");
        out.line("if (encoded_ != KOS_STATUS_OK) return encoded_;");
    }
    out.line("message_.label = %;", label(ask.interface, ask.method));
    out.line("kos_token_t const sent_ = message_.token;");
    out.line("kos_status_t const status_ = kos_msg_call(client_.slot, &message_);");
    out.open("if (!kos_status_is_ok(status_)) {");
    out.line("kos_idl_drop_token(&message_, sent_);");
    out.line("return kos_idl_failure(status_);");
    out.close();
    if (!reply.message.empty()) out.line("%_t answer_;", reply.name());
    out.open("if (!%_decode(&message_%)) {", reply.name(), reply.message.empty() ? "" : ", &answer_");
    out.line("kos_idl_drop_token(&message_, sent_);");
    out.line("return KOS_STATUS_PEER_INVALID;");
    out.close();
    emit_hand_out(out, reply.message, "answer_");
    out.line("return status_;");
}

void emit_send(Writer& out, const Codec& ask) {
    if (ask.message.empty()) {
        out.line("return kos_msg_send(client_.slot, %, \"\", 0);", label(ask.interface, ask.method));
        return;
    }
    out.line("%_t request_;", ask.name());
    emit_fill(out, ask.message, "request_", "KOS_STATUS_INVALID_ARGUMENT");
    out.line("if (!%_fits(&request_)) return KOS_STATUS_INVALID_ARGUMENT;", ask.name());
    out.line("KOS_IDL_BUFFER(buffer_, %);", ask.message.payload_max);
    out.line("size_t const size_ = %_put_bytes(&request_, (uint8_t*)buffer_);", ask.name());
    out.line("return kos_msg_send(client_.slot, %, buffer_, size_);", label(ask.interface, ask.method));
}

void emit_method_doc(Writer& out, const Method& method) {
    out.comment(method.doc);
    std::string errors;
    for (const std::string& error : method.errors) errors += (errors.empty() ? "" : ", ") + error;
    if (!errors.empty()) out.line("// Errors: %.", errors);
    if (method.one_way) out.line("// One way: never blocks; FULL if the queue is.");
    if (method.answer.variable >= 0) {
        out.line("// `%` is valid until the next call of this thread.", member(*method.answer.variable_field()));
    }
}

void emit_client(Writer& out, const Interface& interface) {
    out.line("// --- % client", pascal(interface.path));
    out.blank();
    out.line("// Asks the directory for `port`; waits until it is bound.");
    out.open("static inline kos_status_t %_connect(const char* port, %* client) {", prefix(interface),
             client_type(interface));
    out.line("return kos_dir_request(port, &client->slot);");
    out.close();
    out.blank();
    for (const Method& method : interface.methods) {
        const Codec ask = request(interface, method);
        const Codec reply = answer(interface, method);
        emit_method_doc(out, method);
        out.open("static inline kos_status_t %_client_%(% client_%%) {", prefix(interface), snake(method.name),
                 client_type(interface), in_parameters(method.request), out_parameters(method.answer));
        if (method.one_way) {
            emit_send(out, ask);
        } else if (words_only(method)) {
            emit_call_words(out, ask, reply);
        } else {
            emit_call_message(out, ask, reply);
        }
        out.close();
        out.blank();
    }
}

// --- Server

uint32_t answer_buffer_bytes(const Interface& interface) {
    uint32_t bytes = 0;
    for (const Method& method : interface.methods) {
        if (needs_buffer(method.answer)) bytes = std::max(bytes, method.answer.payload_max);
    }
    return bytes;
}

bool has_queue(const Interface& interface) {
    return std::any_of(interface.methods.begin(), interface.methods.end(),
                       [](const Method& method) { return method.one_way; });
}

// Methods that need no message in memory (kos_server_t.call_words).
bool has_words(const Interface& interface) {
    return std::any_of(interface.methods.begin(), interface.methods.end(), words_only);
}

std::string handler(const Interface& interface, const Method& method) {
    return "(*" + snake(method.name) + ")(" + server_type(interface) + "* self, const kos_caller_t* caller" +
           handler_parameters(method.request) + out_parameters(method.answer) + ")";
}

std::string dispatch_words_head(const Interface& interface) {
    return "kos_status_t " + prefix(interface) +
           "_dispatch_words(kos_server_t* server, const kos_caller_t* caller, uint64_t label, uint64_t param, uint64_t "
           "word0, uint64_t word1, "
           "kos_words_t* answer)";
}

std::string answer_function(const Interface& interface, const Method& method) {
    return "kos_status_t " + prefix(interface) + "_" + snake(method.name) + "_answer(const kos_deferred_t* deferred_" +
           in_parameters(method.answer) + ")";
}

void emit_server(Writer& out, const Interface& interface) {
    const std::string type = server_type(interface);
    out.line("// --- % server", pascal(interface.path));
    out.blank();
    out.line(
        "// One call-back per method; a null one answers NOT_IMPLEMENTED. What a call-back gets is valid until it "
        "returns,");
    out.line(
        "// tokens that it gets are its own, whatever it returns. Results of variable length stay the server's and "
        "must stay");
    out.line("// valid until the next request. One table per thread that serves.");
    out.line("typedef struct %_server %;", prefix(interface), type);
    out.open("struct %_server {", prefix(interface));
    out.line("kos_server_t server;  // first; filled in by %_server_run", prefix(interface));
    for (const Method& method : interface.methods) {
        emit_method_doc(out, method);
        if (const Field* const token = method.request.token_field(); token && token->type.own) {
            out.line("// `%`: which of the server's own tokens came; null: none, and `%` is somebody else's.",
                     own_name(*token), member(*token));
        }
        if (method.deferred)
            out.line("// May kos_server_defer, return NO_REPLY, and %_%_answer later.", prefix(interface),
                     snake(method.name));
        out.line("% %;", method.one_way ? "void" : "kos_status_t", handler(interface, method));
    }
    if (answer_buffer_bytes(interface))
        out.line("KOS_IDL_BUFFER(buffer, %);  // of answers", answer_buffer_bytes(interface));
    out.close("};");
    out.blank();
    out.line(
        "// Decodes a request, calls its call-back, encodes the answer. For servers of several interfaces: call the "
        "one that");
    out.line("// `caller` asks for (its port and token).");
    out.line(
        "kos_status_t %_dispatch(%* self, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer);",
        prefix(interface), type);
    if (has_words(interface)) {
        out.line(
            "// Likewise, for kos_server_t.call_words: `server` is the first member of a %. 0: this is for %_dispatch.",
            type, prefix(interface));
        out.line("%;", dispatch_words_head(interface));
    }
    if (has_queue(interface)) {
        out.line(
            "// Likewise for kos_server_t.queued; false: the message is none of this interface, and had no effect.");
        out.line(
            "bool %_dispatch_queued(%* self, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t "
            "size);",
            prefix(interface), type);
    }
    out.line("// Serves this interface on all ports of the domain, until it is asked to stop.");
    out.line("kos_status_t %_server_run(%* self);", prefix(interface), type);
    for (const Method& method : interface.methods) {
        if (!method.deferred) continue;
        out.line("// Answers a deferred %; kos_server_answer(deferred, error, NULL) refuses it.", snake(method.name));
        out.line("%;", answer_function(interface, method));
    }
    out.blank();
    out.line("// A token for this interface on the own port `port`, for domain `holder` (kos_msg_token_create).%",
             interface.single_use ? " It takes one request." : "");
    out.open(
        "static inline kos_status_t %_token_create(const char* port, uint64_t number, uint16_t holder, %* token) {",
        prefix(interface), client_type(interface));
    out.line("return kos_msg_token_create(port, number, %, holder, &token->slot);",
             interface.single_use ? "KOS_TOKEN_SINGLE_USE" : "0");
    out.close();
    out.blank();
}

// Calls the call-back with the views `in` and `out`.
void emit_handle(Writer& out, const Codec& ask, const Codec& reply) {
    out.line("kos_status_t const status = self->%(self, caller%%);", snake(ask.method.name),
             handler_arguments(ask.message, "in"), out_arguments(reply.message, "out"));
    out.line("if (KOS_IDL_UNLIKELY(!kos_status_is_ok(status))) return kos_idl_server_failure(status, %);",
             ask.method.deferred ? "true" : "false");
}

// As emit_serve, without messages in memory.
void emit_serve_words(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = request(interface, method);
    const Codec reply = answer(interface, method);
    out.open("case %: {", label(interface, method));
    if (ask.message.empty()) {
        out.line("if (KOS_IDL_UNLIKELY((param | word0 | word1) != 0)) return KOS_STATUS_BAD_REQUEST;");
    } else {
        out.line("%_t in;", ask.name());
        out.line("if (KOS_IDL_UNLIKELY(!%_parse(param, word0, word1, &in))) return KOS_STATUS_BAD_REQUEST;",
                 ask.name());
    }
    out.line("if (KOS_IDL_UNLIKELY(!self->%)) return KOS_STATUS_NOT_IMPLEMENTED;", snake(method.name));
    if (!reply.message.empty()) {
        out.line("%_t out;", reply.name());
        out.line("__builtin_memset(&out, 0, sizeof out);");
    }
    emit_handle(out, ask, reply);
    if (!reply.message.empty()) {
        emit_check_sender(out, reply.message, "(&out)", "KOS_STATUS_INTERNAL_ERROR");
        emit_put_words(out, reply.message, "(&out)", {"answer->param", "answer->words[0]", "answer->words[1]"});
    }
    out.line("return status;");
    out.close();
}

void emit_dispatch_words(Writer& out, const Interface& interface) {
    out.open("% {", dispatch_words_head(interface));
    out.line("% const self = (%)server;", server_type(interface) + "*", server_type(interface) + "*");
    out.line("(void)self, (void)caller, (void)param, (void)word0, (void)word1, (void)answer;");
    out.open("switch (label) {");
    for (const Method& method : interface.methods) {
        if (words_only(method)) emit_serve_words(out, interface, method);
    }
    out.line("default: return 0;");
    out.close();
    out.close();
    out.blank();
}

void emit_serve(Writer& out, const Interface& interface, const Method& method) {
    const Codec ask = request(interface, method);
    const Codec reply = answer(interface, method);
    out.open(
        "static kos_status_t serve_%_%(%* self, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* "
        "answer) {",
        snake(interface.path), snake(method.name), server_type(interface));
    if (!ask.message.empty()) out.line("%_t in;", ask.name());
    out.line("if (!%_decode(request%)) return kos_idl_refuse(request, KOS_STATUS_BAD_REQUEST);", ask.name(),
             ask.message.empty() ? "" : ", &in");
    out.line("if (!self->%) return kos_idl_refuse(request, KOS_STATUS_NOT_IMPLEMENTED);", snake(method.name));
    if (!reply.message.empty()) {
        out.line("%_t out;", reply.name());
        out.line("__builtin_memset(&out, 0, sizeof out);");
    }
    emit_handle(out, ask, reply);
    if (reply.message.empty()) {
        out.line("(void)answer;");
        out.line("return status;");
    } else {
        out.line("return %_encode(&out, answer%) == KOS_STATUS_OK ? status : (kos_status_t)KOS_STATUS_INTERNAL_ERROR;",
                 reply.name(), needs_buffer(reply.message) ? ", self->buffer" : "");
    }
    out.close();
    out.blank();
}

void emit_answer_function(Writer& out, const Interface& interface, const Method& method) {
    const Codec reply = answer(interface, method);
    out.open("% {", answer_function(interface, method));
    out.line("kos_msg_t message_;");
    out.line("__builtin_memset(&message_, 0, sizeof message_);");
    if (!reply.message.empty()) {
        out.line("%_t answer_;", reply.name());
        emit_fill(out, reply.message, "answer_", "KOS_STATUS_INVALID_ARGUMENT");
        if (needs_buffer(reply.message)) out.line("KOS_IDL_BUFFER(buffer_, %);", reply.message.payload_max);
        out.line("kos_status_t const encoded_ = %_encode(&answer_, &message_%);", reply.name(),
                 needs_buffer(reply.message) ? ", buffer_" : "");
        out.line("if (encoded_ != KOS_STATUS_OK) return encoded_;");
    }
    out.line("kos_server_answer(deferred_, KOS_STATUS_OK, &message_);");
    out.line("return KOS_STATUS_OK;");
    out.close();
    out.blank();
}

void emit_dispatch_queued(Writer& out, const Interface& interface) {
    out.open(
        "bool %_dispatch_queued(%* self, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t size) {",
        prefix(interface), server_type(interface));
    out.line("// Aligned and private, wherever the queue is.");
    out.line("KOS_IDL_BUFFER(copy, KOS_QUEUE_INLINE_BYTES);");
    out.line("if (size > sizeof copy) return false;");
    out.line("if (size != 0) __builtin_memcpy(copy, bytes, size);");
    out.open("switch (label) {");
    for (const Method& method : interface.methods) {
        if (!method.one_way) continue;
        const Codec ask = request(interface, method);
        out.open("case %: {", label(interface, method));
        if (ask.message.empty()) {
            out.line("if (size != 0) return false;");
            out.line("if (self->%) self->%(self, caller);", snake(method.name), snake(method.name));
        } else {
            out.line("%_t in;", ask.name());
            out.line("if (!%_parse_bytes((const uint8_t*)copy, size, &in)) return false;", ask.name());
            out.line("if (self->%) self->%(self, caller%);", snake(method.name), snake(method.name),
                     in_arguments(ask.message, "in"));
        }
        out.line("return true;");
        out.close();
    }
    out.line("default: return false;");
    out.close();
    out.close();
    out.blank();
}

void emit_interface_source(Writer& out, const Interface& interface) {
    const std::string type = server_type(interface);
    for (const Method& method : interface.methods) {
        if (!method.one_way) emit_serve(out, interface, method);
        if (method.deferred) emit_answer_function(out, interface, method);
    }
    out.open(
        "kos_status_t %_dispatch(%* self, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {",
        prefix(interface), type);
    out.open("switch (request->label) {");
    bool any = false;
    for (const Method& method : interface.methods) {
        if (method.one_way) continue;
        any = true;
        out.line("case %: return serve_%_%(self, caller, request, answer);", label(interface, method),
                 snake(interface.path), snake(method.name));
    }
    if (!any) out.line("(void)self, (void)caller, (void)answer;");
    out.line("default: return kos_idl_refuse(request, KOS_STATUS_BAD_REQUEST);");
    out.close();
    out.close();
    out.blank();
    if (has_words(interface)) emit_dispatch_words(out, interface);
    if (has_queue(interface)) emit_dispatch_queued(out, interface);
    out.open(
        "static kos_status_t call_%(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, "
        "kos_msg_t* answer) {",
        snake(interface.path));
    out.line("return %_dispatch((%*)server, caller, request, answer);  // its first member", prefix(interface), type);
    out.close();
    out.blank();
    if (has_queue(interface)) {
        out.open(
            "static void queued_%(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes, "
            "size_t size) {",
            snake(interface.path));
        out.line("(void)%_dispatch_queued((%*)server, caller, label, bytes, size);  // nobody to tell",
                 prefix(interface), type);
        out.close();
        out.blank();
    }
    out.open("kos_status_t %_server_run(%* self) {", prefix(interface), type);
    out.line("self->server.call = call_%;", snake(interface.path));
    if (has_words(interface)) out.line("self->server.call_words = %_dispatch_words;", prefix(interface));
    if (has_queue(interface)) out.line("self->server.queued = queued_%;", snake(interface.path));
    out.line("return kos_server_run(&self->server);");
    out.close();
    out.blank();
}

}  // namespace

std::string emit_c_header(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: C binding.", schema.file);
    out.comment(schema.doc);
    out.line("#pragma once");
    out.blank();
    out.line("#include <kos/dir.h>");
    out.line("#include <kos/idl.h>");
    out.line("#include <kos/server.h>");
    for (const std::string& include : schema.includes) out.line("#include <kos/idl/%.h>", include);
    out.blank();
    out.line("#ifdef __cplusplus");
    out.line("extern \"C\" {");
    out.line("#endif");
    out.blank();
    for (const Enum* item : schema.enums) emit_enum(out, *item);
    for (const Struct* item : schema.structs) emit_struct(out, *item);
    for (const Interface* item : schema.interfaces) {
        out.comment(item->doc);
        out.open("typedef struct {");
        out.line("kos_slot_t slot;  // a connection or a token");
        out.close("} " + client_type(*item) + ";");
        out.blank();
    }
    for (const Interface* item : schema.interfaces) {
        if (item->methods.empty()) continue;
        out.open("enum {");
        for (const Method& method : item->methods) out.line("% = %,", label(*item, method), method.label);
        out.close("};");
        out.blank();
        for (const Method& method : item->methods) {
            emit_codec(out, request(*item, method));
            emit_codec(out, answer(*item, method));
        }
    }
    for (const Interface* item : schema.interfaces) {
        emit_client(out, *item);
        emit_server(out, *item);
    }
    out.line("#ifdef __cplusplus");
    out.line("}");
    out.line("#endif");
    return out.text();
}

std::string emit_c_source(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: the server side's dispatch.", schema.file);
    out.line("#include <kos/idl/%.h>", schema.file);
    out.blank();
    for (const Interface* item : schema.interfaces) emit_interface_source(out, *item);
    return out.text();
}

}  // namespace kos::idl
