// The Rust binding of a schema, NAME.rs: a module over `kos::idl` (libkos/rust/kos/idl.rs) with types, clients, and a
// trait and dispatch functions per interface. no_std, no unsafe.
//
// Results of variable length are copied into memory that the caller brings, because libkos's copy lives only until the
// next call of the thread.
#include <algorithm>
#include <cstdio>

#include "c_names.h"
#include "emit.h"
#include "emit_c_codec.h"
#include "writer.h"

namespace kos::idl {

namespace {

using c::words_only;

std::string member(const Field& field) { return snake(field.name); }

// Modules of one file are siblings; of other files, siblings of the file's module.
std::string type_path(const Named& named) { return "super::" + named.file + "::" + pascal(named.path); }

std::string client_path(const Type& type) {
    return type.interface ? type_path(*type.interface) + "Client" : "idl::AnyClient";
}

std::string value_type(const Type& type) {
    const std::string bits = std::to_string(type.bytes * 8);
    switch (type.kind) {
        case Kind::kBool: return "bool";
        case Kind::kUnsigned: return "u" + bits;
        case Kind::kSigned: return "i" + bits;
        case Kind::kFloat: return "f" + bits;
        case Kind::kEnum: return type_path(*type.enumeration);
        case Kind::kStruct: return type_path(*type.structure);
        case Kind::kFixedText: return "idl::FixedText<" + std::to_string(type.bytes) + ">";
        case Kind::kFixedData: return "[u8; " + std::to_string(type.bytes) + "]";
        case Kind::kToken: {
            const std::string token = (type.own ? "idl::Received<" : "idl::Owned<") + client_path(type) + ">";
            return type.optional ? "Option<" + token + ">" : token;
        }
        default: return "";
    }
}

std::string view_type(const Type& type, const std::string& lifetime) {
    if (type.kind == Kind::kText && !type.raw) return "&" + lifetime + "str";
    if (type.kind == Kind::kData || type.raw) return "&" + lifetime + "[u8]";
    return "idl::List<" + (lifetime.empty() ? std::string("'_") : lifetime.substr(0, lifetime.size() - 1)) + ", " +
           value_type(*type.element) + ">";
}

// Parameters of a client's method.
std::string client_parameter(const Type& type) {
    if (type.kind == Kind::kList) return "&[" + value_type(*type.element) + "]";
    if (type.kind == Kind::kText) return "&str";
    if (type.variable()) return view_type(type, "");
    if (type.token()) return type.optional ? "Option<&" + client_path(type) + ">" : "&" + client_path(type);
    return value_type(type);
}

std::string tuple(const std::vector<std::string>& parts) {
    std::string result;
    for (const std::string& part : parts) result += (result.empty() ? "" : ", ") + part;
    return parts.size() == 1 ? result : "(" + result + ")";
}

void emit_enum(Writer& out, const Enum& item) {
    out.comment(item.doc, "/// ");
    out.line("#[derive(Clone, Copy, PartialEq, Eq, Debug)]");
    out.line("#[repr(u8)]");
    out.open("pub enum % {", pascal(item.path));
    for (size_t i = 0; i < item.values.size(); ++i) {
        out.comment(item.values[i].doc, "/// ");
        out.line("% = %,", pascal(item.values[i].name), i);
    }
    out.close();
    out.blank();
    out.open("impl idl::Value for % {", pascal(item.path));
    out.line("const BYTES: usize = 1;");
    out.open("fn read(bytes: &[u8]) -> Option<Self> {");
    out.open("Some(match bytes[0] {");
    for (size_t i = 0; i < item.values.size(); ++i) out.line("% => Self::%,", i, pascal(item.values[i].name));
    if (item.values.size() < 256) out.line("_ => return None,");
    out.close("})");
    out.close();
    out.line("fn write(&self, bytes: &mut [u8]) { bytes[0] = *self as u8; }");
    out.close();
    out.blank();
}

void emit_struct(Writer& out, const Struct& item) {
    out.comment(item.doc, "/// ");
    out.line("#[derive(Clone, Copy)]");
    out.open("pub struct % {", pascal(item.path));
    for (const Field& field : item.fields) {
        out.comment(field.doc, "/// ");
        out.line("pub %: %,", member(field), value_type(field.type));
    }
    out.close();
    out.blank();
    out.open("impl idl::Value for % {", pascal(item.path));
    out.line("const BYTES: usize = %;", item.bytes);
    out.open("fn read(bytes: &[u8]) -> Option<Self> {");
    for (const Struct::Gap& gap : item.gaps()) {
        out.line("if !idl::all_zero(&bytes[%..%]) { return None; }", gap.offset, gap.offset + gap.bytes);
    }
    out.open("Some(% {", pascal(item.path));
    for (const Field& field : item.fields) {
        out.line("%: <% as idl::Value>::read(&bytes[%..%])?,", member(field), value_type(field.type), field.offset,
                 field.offset + field.type.bytes);
    }
    out.close("})");
    out.close();
    out.open("fn write(&self, bytes: &mut [u8]) {");
    out.line("bytes[..%].fill(0);", item.bytes);
    for (const Field& field : item.fields) {
        out.line("idl::Value::write(&self.%, &mut bytes[%..%]);", member(field), field.offset,
                 field.offset + field.type.bytes);
    }
    out.close();
    out.close();
    out.blank();
}

// --- Messages

// Puts the parameters in scope into `message_`. Bytes of the payload are in `payload_`, if it is not the caller's own.
void emit_encode(Writer& out, const Message& message, const std::string& failed) {
    for (const Field& field : message.fields) {
        if (field.type.variable()) out.line("if %.len() > % { return %; }", member(field), field.type.max, failed);
        if (field.type.kind == Kind::kText && !field.type.raw)
            out.line("if %.as_bytes().contains(&0) { return %; }", member(field), failed);
    }
    const bool list = message.variable >= 0 && message.variable_field()->type.kind == Kind::kList;
    const bool own_payload = message.payload_max != 0 && (!message.in_registers || list);
    if (message.in_registers && message.fixed_bytes != 0) out.line("let mut fixed_ = [0u8; 24];");
    if (own_payload) out.line("let mut payload_ = [0u8; %];", message.payload_max);
    const std::string target = message.in_registers ? "fixed_" : "payload_";
    for (const Field& field : message.fields) {
        if (!field.type.fixed()) continue;
        out.line("idl::Value::write(&%, &mut %[%..%]);", member(field), target, field.offset,
                 field.offset + field.type.bytes);
    }
    if (message.in_registers && message.fixed_bytes != 0) {
        out.line("message_.set_registers(&fixed_, %);", message.uses_words() ? "true" : "false");
    }
    if (const Field* token = message.token_field()) {
        out.line(token->type.optional ? "message_.token = %.map_or(0, |token| idl::Client::slot(token));"
                                      : "message_.token = idl::Client::slot(%);",
                 member(*token));
        if (!token->type.optional) out.line("if message_.token == 0 { return %; }", failed);
    }
    if (message.payload_max == 0) return;
    const Field* const variable = message.variable_field();
    if (!own_payload) {
        out.line(variable->type.kind == Kind::kText ? "message_.payload = %.as_bytes();" : "message_.payload = %;",
                 member(*variable));
        return;
    }
    if (!variable) {
        out.line("let used_ = %;", message.payload_max);
    } else if (list) {
        out.line("let mut used_ = %;", message.variable_offset);
        out.open("for element in %.iter() {", member(*variable));
        out.line("idl::Value::write(element, &mut payload_[used_..used_ + %]);", variable->type.bytes);
        out.line("used_ += %;", variable->type.bytes);
        out.close();
    } else {
        out.line("let used_ = % + %.len();", message.variable_offset, member(*variable));
        out.line("payload_[%..used_].copy_from_slice(%%);", message.variable_offset, member(*variable),
                 variable->type.kind == Kind::kText ? ".as_bytes()" : "");
    }
    out.line("message_.payload = &payload_[..used_];");
}

// Names the fields of `in_` (a message) or refuses it: `failed` is a statement. The variable part stays `rest_`.
void emit_decode(Writer& out, const Message& message, const std::string& failed) {
    const Field* const token = message.token_field();
    if (!token) {
        out.line("if in_.token != 0 || in_.is_own { %; }", failed);
    } else {
        if (!token->type.own) out.line("if in_.is_own { %; }", failed);
        if (!token->type.optional)
            out.line("if in_.token == 0%{ %; }", token->type.own ? " && !in_.is_own " : " ", failed);
    }
    if (message.uses_words()) out.line("if !in_.has_words { %; }", failed);
    const uint32_t least = message.variable >= 0 ? message.variable_offset : message.payload_max;
    if (least == message.payload_max) {
        out.line("if in_.payload.len() != % { %; }", least, failed);
    } else if (least == 0) {
        out.line("if in_.payload.len() > % { %; }", message.payload_max, failed);
    } else {
        out.line("if !(%..=%).contains(&in_.payload.len()) { %; }", least, message.payload_max, failed);
    }
    out.line("let registers_ = in_.registers();");
    const std::string source = message.in_registers ? "registers_" : "in_.payload";
    std::string unused;
    for (uint32_t i = 0; i < 3; ++i) {
        const uint64_t free_bits = message.in_registers ? ~c::used_bits(message, i) : ~uint64_t{0};
        if (free_bits == 0) continue;
        char text[40];
        std::snprintf(text, sizeof text, "in_.register(%u) & %#llx", i, static_cast<unsigned long long>(free_bits));
        unused += (unused.empty() ? "" : " | ") + std::string(text);
    }
    if (!unused.empty()) out.line("if % != 0 { %; }", unused, failed);
    if (!message.in_registers || message.fixed_bytes == 0) out.line("let _ = &registers_;");
    if (!message.in_registers && message.variable_offset > message.fixed_bytes) {
        out.line("if !idl::all_zero(&in_.payload[%..%]) { %; }", message.fixed_bytes, message.variable_offset, failed);
    }
    for (const Field& field : message.fields) {
        const std::string name = member(field);
        if (field.type.fixed()) {
            out.line("let % = match <% as idl::Value>::read(&%[%..%]) { Some(value) => value, None => { %; } };", name,
                     value_type(field.type), source, field.offset, field.offset + field.type.bytes, failed);
        } else if (field.type.variable()) {
            out.line("let rest_ = &in_.payload[%..];", message.variable_offset);
        }
    }
}

std::string view_of(const Field& field, const std::string& bytes) {
    if (field.type.kind == Kind::kText && !field.type.raw) return "idl::text(" + bytes + ")";
    if (field.type.kind == Kind::kData || field.type.raw) return "Some(" + bytes + ")";
    return "idl::List::<" + value_type(*field.type.element) + ">::read(" + bytes + ", " +
           std::to_string(field.type.max) + ")";
}

std::string label_name(const Interface& interface, const Method& method) {
    return upper(interface.path) + "_LABEL_" + upper(method.name);
}

// --- Client

void emit_client_method(Writer& out, const Interface& interface, const Method& method) {
    std::string parameters;
    for (const Field& field : method.request.fields)
        parameters += ", " + member(field) + ": " + client_parameter(field.type);
    std::vector<std::string> results;
    std::vector<std::string> values;
    const Field* const variable = method.answer.variable_field();
    for (const Field& field : method.answer.fields) {
        if (field.type.variable()) {
            parameters += ", " + member(field) + "_memory: &'b mut [u8]";
            results.push_back(view_type(field.type, "'b "));
        } else {
            results.push_back(value_type(field.type));
        }
        values.push_back(member(field));
    }
    out.comment(method.doc, "/// ");
    if (words_only(method)) out.line("#[inline]");
    out.open("pub fn %%(&self%) -> Result<%> {", snake(method.name), variable ? "<'b>" : "", parameters,
             tuple(results));
    out.line("#[allow(unused_mut)]");
    out.line("let mut message_ = idl::Message::new(%);", label_name(interface, method));
    emit_encode(out, method.request, "Err(Status::INVALID_ARGUMENT)");
    if (method.one_way) {
        out.line("idl::send(self.slot, message_.label, message_.payload)");
        out.close();
        return;
    }
    if (words_only(method)) {
        out.line("let in_ = idl::call_words(self.slot, message_.label, &message_.registers())?;");
        emit_decode(out, method.answer, "return Err(Status::PEER_INVALID)");
        out.line("Ok(%)", tuple(values));
        out.close();
        return;
    }
    // The answer may be right and only the memory too small. Its token is given back then, as the result is dropped.
    out.open("let (result_, enough_) = idl::call(self.slot, &message_, move |in_| {");
    if (!variable) out.line("let enough_ = true;");
    emit_decode(out, method.answer, "return None");
    for (const Field& field : method.answer.fields) {
        const std::string name = member(field);
        if (field.type.variable()) {
            out.line("let _ = %?;", view_of(field, "rest_"));
            out.line("let enough_ = rest_.len() <= %_memory.len();", name);
            out.line("let kept_ = if enough_ { idl::keep(rest_, %_memory)? } else { &[] };", name);
            out.line("let % = %?;", name, view_of(field, "kept_"));
        }
    }
    if (const Field* token = method.answer.token_field()) {
        const std::string name = member(*token);
        out.line(token->type.optional ? "let % = idl::received(in_);" : "let % = idl::received(in_)?;", name);
    }
    out.line("Some((%, enough_))", tuple(values));
    out.close("})?;");
    out.line("if !enough_ { return Err(Status::NOT_ENOUGH_MEMORY); }");
    out.line("Ok(result_)");
    out.close();
}

void emit_client(Writer& out, const Interface& interface) {
    const std::string name = pascal(interface.path) + "Client";
    out.comment(interface.doc, "/// ");
    out.line("#[derive(Clone, Copy)]");
    out.open("pub struct % {", name);
    out.line("slot: u64,");
    out.close();
    out.blank();
    out.open("impl idl::Client for % {", name);
    out.line("fn from_slot(slot: u64) -> Self { % { slot } }", name);
    out.line("fn slot(&self) -> u64 { self.slot }");
    out.close();
    out.blank();
    out.open("impl % {", name);
    out.line("/// Asks the directory for `port`; waits until it is bound.");
    out.line("pub fn connect(port: &str) -> Result<Self> { idl::connect(port) }");
    out.blank();
    out.line(
        "/// Server: a token for this interface on the own port `port`, for domain `holder` (`kos::Token::create`).");
    out.open("pub fn create_token(port: &str, number: u64, holder: u16) -> Result<idl::Owned<Self>> {");
    out.line("idl::create_token(port, number, kos::token::Uses::%, holder)", interface.single_use ? "Once" : "Many");
    out.close();
    for (const Method& method : interface.methods) {
        out.blank();
        emit_client_method(out, interface, method);
    }
    out.close();
    out.blank();
}

// --- Server

std::string handler_head(const Method& method) {
    std::string text =
        "fn " + snake(method.name) + "(&mut self, _call: &" + (method.one_way ? "kos::Caller" : "Call<'_>");
    for (const Field& field : method.request.fields) {
        text +=
            ", _" + member(field) + ": " + (field.type.variable() ? view_type(field.type, "") : value_type(field.type));
    }
    std::vector<std::string> results;
    for (const Field& field : method.answer.fields) {
        if (field.type.variable()) {
            text += ", _" + member(field) + ": &mut idl::Output<'_>";
        } else {
            results.push_back(value_type(field.type));
        }
    }
    return text + ")" + (method.one_way ? "" : " -> Result<" + tuple(results) + ">");
}

// Names the parameters of a handler; `in_` is the message, which was not looked at yet.
void emit_parameters(Writer& out, const Method& method, const std::string& refuse) {
    emit_decode(out, method.request, refuse);
    if (const Field* variable = method.request.variable_field()) {
        out.line("let % = match % { Some(value) => value, None => { %; } };", member(*variable),
                 view_of(*variable, "rest_"), refuse);
    }
    // Last: from here on the token is given back by itself.
    if (const Field* token = method.request.token_field()) {
        out.line("let % = idl::%(request)%;", member(*token), token->type.own ? "take_received" : "take",
                 token->type.optional ? "" : ".ok_or(Status::BAD_REQUEST)?");
    }
}

std::string handler_arguments(const Method& method, const std::string& call) {
    std::string arguments = call;
    for (const Field& field : method.request.fields) arguments += ", " + member(field);
    return arguments;
}

// "out_a, out_b": what a handler returns, apart from the variable part.
std::string out_names(const Message& answer) {
    std::vector<std::string> names;
    for (const Field& field : answer.fields) {
        if (!field.type.variable()) names.push_back("out_" + member(field));
    }
    return tuple(names);
}

void emit_write_fixed(Writer& out, const Message& answer, const std::string& prefix, const std::string& target) {
    for (const Field& field : answer.fields) {
        if (!field.type.fixed()) continue;
        out.line("idl::Value::write(&%%, &mut %[%..%]);", prefix, member(field), target, field.offset,
                 field.offset + field.type.bytes);
    }
}

void emit_arm(Writer& out, const Interface& interface, const Method& method) {
    out.open("% => {", label_name(interface, method));
    emit_parameters(out, method, "return Err(Status::BAD_REQUEST)");
    std::string arguments = handler_arguments(method, "request.call()");
    const Message& answer = method.answer;
    const Field* const variable = answer.variable_field();
    if (variable) {
        const uint32_t bytes = variable->type.max * (variable->type.kind == Kind::kList ? variable->type.bytes : 1);
        out.line("let mut output_ = idl::Output::new(&mut answer.memory()[%..%]);", answer.variable_offset,
                 answer.variable_offset + bytes);
        arguments += ", &mut output_";
    }
    out.line("let % = server.%(%)?;", out_names(answer), snake(method.name), arguments);
    if (variable) {
        out.line("let used_ = % + output_.len();", answer.variable_offset);
    } else if (answer.payload_max != 0) {
        out.line("let used_ = %;", answer.payload_max);
    }
    if (answer.payload_max != 0) out.line("let memory_ = answer.memory();");
    if (variable) {
        if (!answer.in_registers) out.line("memory_[%..%].fill(0);", answer.fixed_bytes, answer.variable_offset);
        if (variable->type.kind == Kind::kText) {
            out.line("if idl::text(&memory_[%..used_]).is_none() { return Err(Status::INTERNAL_ERROR); }",
                     answer.variable_offset);
        } else if (variable->type.kind == Kind::kList) {
            out.line("if used_ % % != % { return Err(Status::INTERNAL_ERROR); }", "%", variable->type.bytes,
                     answer.variable_offset % variable->type.bytes);
        }
    }
    if (answer.in_registers && answer.fixed_bytes != 0) out.line("let mut fixed_ = [0u8; 24];");
    emit_write_fixed(out, answer, "out_", answer.in_registers ? "fixed_" : "memory_");
    if (answer.in_registers && answer.fixed_bytes != 0) {
        out.line("let [param_, word0_, word1_] = idl::words_of(&fixed_);");
        out.line("answer.param(param_);");
        if (answer.uses_words()) {
            out.line("answer.words([word0_, word1_]);");
        } else {
            out.line("let _ = (word0_, word1_);");
        }
    }
    if (answer.payload_max != 0) out.line("answer.payload_in_memory(used_);");
    if (const Field* token = answer.token_field()) {
        out.line(token->type.optional ? "if let Some(token_) = out_% { answer.token(token_.into_token()); }"
                                      : "answer.token(out_%.into_token());",
                 member(*token));
    }
    out.line("Ok(())");
    out.close();
}

// Without messages in memory.
void emit_words_arm(Writer& out, const Interface& interface, const Method& method) {
    out.open("% => {", label_name(interface, method));
    emit_parameters(out, method, "return Some(Err(Status::BAD_REQUEST))");
    out.open("Some(server.%(%).map(|%| {", snake(method.name), handler_arguments(method, "call"),
             out_names(method.answer));
    out.line("#[allow(unused_mut)]");
    out.line("let mut fixed_ = [0u8; 24];");
    emit_write_fixed(out, method.answer, "out_", "fixed_");
    out.line("idl::words_of(&fixed_)");
    out.close("}))");
    out.close();
}

void emit_queued_arm(Writer& out, const Interface& interface, const Method& method) {
    out.open("% => {", label_name(interface, method));
    emit_parameters(out, method, "return false");
    out.line("server.%(%);", snake(method.name), handler_arguments(method, "caller"));
    out.line("true");
    out.close();
}

void emit_later_answer(Writer& out, const Interface& interface, const Method& method) {
    std::string parameters;
    const Field* const token = method.answer.token_field();
    for (const Field& field : method.answer.fields) {
        parameters +=
            ", " + member(field) + ": " + (field.type.token() ? value_type(field.type) : client_parameter(field.type));
    }
    out.line("/// Answers a deferred %.", snake(method.name));
    out.open("pub fn %_answer_%(deferred: kos::Deferred%) -> Result {", snake(interface.path), snake(method.name),
             parameters);
    out.line("#[allow(unused_mut)]");
    out.line("let mut message_ = idl::Message::new(0);");
    Message without_token = method.answer;
    without_token.token = -1;
    emit_encode(out, without_token, "Err(Status::INVALID_ARGUMENT)");
    out.line("idl::answer(deferred, &message_, %)", !token ? "None"
                                                    : token->type.optional
                                                        ? member(*token) + ".map(idl::Owned::into_token)"
                                                        : "Some(" + member(*token) + ".into_token())");
    out.close();
    out.blank();
}

void emit_server(Writer& out, const Interface& interface) {
    const std::string name = pascal(interface.path);
    const std::string function = snake(interface.path);
    const bool words = std::any_of(interface.methods.begin(), interface.methods.end(), c::words_only);
    const bool queued = std::any_of(interface.methods.begin(), interface.methods.end(),
                                    [](const Method& method) { return method.one_way; });
    out.line("/// The methods of a server; what it does not have answers NOT_IMPLEMENTED.");
    out.line("/// A result of variable length is put into the last argument.");
    out.open("pub trait %Server: Sized {", name);
    for (const Method& method : interface.methods) {
        out.comment(method.doc, "/// ");
        if (method.deferred) {
            out.line("///");
            out.line("/// May `_call.defer()`, return NO_REPLY, and %_answer_% later.", function, snake(method.name));
        }
        out.line("% { % }", handler_head(method), method.one_way ? "" : "Err(Status::NOT_IMPLEMENTED)");
    }
    out.line("/// Signals: interrupts, rings, alarms, user bits, the request to stop (see `kos::signal`).");
    out.line("fn signalled(&mut self, _bits: u64) {}");
    out.line("/// Serves this interface on all ports of the domain, until it is asked to stop.");
    out.line("fn serve(&mut self) -> Result { kos::serve(&mut %Loop(self)) }", name);
    out.close();
    out.blank();
    out.line("struct %Loop<'s, S>(&'s mut S);", name);
    out.blank();
    out.open("impl<S: %Server> kos::Server for %Loop<'_, S> {", name, name);
    out.line("const SERVES_WORDS: bool = %;", words ? "true" : "false");
    out.open("fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {");
    out.line("%_dispatch(self.0, request, answer)", function);
    out.close();
    if (words) {
        out.line("#[inline]");
        out.open(
            "fn call_words(&mut self, call: &Call<'_>, label: u64, words: [u64; 3]) -> Option<Result<[u64; 3]>> {");
        out.line("%_dispatch_words(self.0, call, label, words)", function);
        out.close();
    }
    if (queued) {
        out.open("fn queued(&mut self, caller: kos::Caller, label: u64, bytes: &[u8]) {");
        out.line("%_dispatch_queued(self.0, &caller, label, bytes);", function);
        out.close();
    }
    out.line("fn signalled(&mut self, bits: u64) { self.0.signalled(bits) }");
    out.close();
    out.blank();
    out.line(
        "/// Decodes a request, calls its method, encodes the answer. For servers of several interfaces: the one that "
        "the");
    out.line("/// caller asks for (its port and token).");
    out.line("#[allow(unused_variables)]");
    out.open("pub fn %_dispatch(server: &mut impl %Server, request: &Request<'_>, answer: &mut Answer<'_>) -> Result {",
             function, name);
    out.line("let in_ = idl::Message::of_request(request);");
    out.open("match request.label {");
    for (const Method& method : interface.methods) {
        if (!method.one_way) emit_arm(out, interface, method);
    }
    out.line("_ => Err(Status::BAD_REQUEST),");
    out.close();
    out.close();
    out.blank();
    if (words) {
        out.line("/// Likewise for `kos::Server::call_words`; None: this is for the other.");
        out.line("#[inline]");
        out.line("#[allow(unused_variables)]");
        out.open(
            "pub fn %_dispatch_words(server: &mut impl %Server, call: &Call<'_>, label: u64, words: [u64; 3]) -> "
            "Option<Result<[u64; 3]>> {",
            function, name);
        out.line("let in_ = idl::Message::of_words(words);");
        out.open("match label {");
        for (const Method& method : interface.methods) {
            if (c::words_only(method)) emit_words_arm(out, interface, method);
        }
        out.line("_ => None,");
        out.close();
        out.close();
        out.blank();
    }
    if (queued) {
        out.line("/// Likewise for a queue message; false: it is none of this interface, and had no effect.");
        out.open(
            "pub fn %_dispatch_queued(server: &mut impl %Server, caller: &kos::Caller, label: u64, bytes: &[u8]) -> "
            "bool {",
            function, name);
        out.line("let in_ = idl::Message { payload: bytes, ..idl::Message::new(label) };");
        out.open("match label {");
        for (const Method& method : interface.methods) {
            if (method.one_way) emit_queued_arm(out, interface, method);
        }
        out.line("_ => false,");
        out.close();
        out.close();
        out.blank();
    }
    for (const Method& method : interface.methods) {
        if (method.deferred) emit_later_answer(out, interface, method);
    }
}

}  // namespace

std::string emit_rust(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: Rust binding.", schema.file);
    out.comment(schema.doc);
    out.line("#![allow(dead_code, missing_docs, unused_imports, clippy::all)]");
    out.line("use kos::{idl, Answer, Call, Request, Result, Status};");
    out.blank();
    for (const Enum* item : schema.enums) emit_enum(out, *item);
    for (const Struct* item : schema.structs) emit_struct(out, *item);
    for (const Interface* item : schema.interfaces) {
        for (const Method& method : item->methods) {
            out.line("pub const %: u64 = %;", label_name(*item, method), method.label);
        }
        out.blank();
        emit_client(out, *item);
        emit_server(out, *item);
    }
    return out.text();
}

}  // namespace kos::idl
