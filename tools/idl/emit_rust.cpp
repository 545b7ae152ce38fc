// The Rust binding of a schema, NAME.rs: a module over `kos::idl` (tools/idl/rust/idl.rs) with types, clients, and a
// trait and dispatch function per interface. no_std, no unsafe.
//
// Results of variable length are copied into memory that the caller brings, because libkos's copy lives only until the
// next call of the thread.
#include "c_names.h"
#include "emit.h"
#include "writer.h"

namespace kos::idl {

namespace {

std::string member(const Field& field) { return snake(field.name); }

// Modules of one file are siblings; of other files, siblings of the file's module.
std::string type_path(const Named& named) { return "super::" + named.file + "::" + pascal(named.path); }

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
        case Kind::kToken: return type.optional ? "Option<idl::Token>" : "idl::Token";
        default: return "";
    }
}

std::string view_type(const Type& type, const std::string& lifetime) {
    if (type.kind == Kind::kText) return "&" + lifetime + "str";
    if (type.kind == Kind::kData) return "&" + lifetime + "[u8]";
    return "idl::List<" + (lifetime.empty() ? std::string("'_") : lifetime.substr(0, lifetime.size() - 1)) + ", " +
           value_type(*type.element) + ">";
}

// Parameters of a client's method.
std::string client_parameter(const Type& type) {
    if (type.kind == Kind::kList) return "&[" + value_type(*type.element) + "]";
    if (type.variable()) return view_type(type, "");
    if (type.token()) return type.optional ? "Option<&idl::Token>" : "&idl::Token";
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
void emit_encode(Writer& out, const Message& message, bool one_way, const std::string& failed) {
    for (const Field& field : message.fields) {
        if (field.type.variable()) out.line("if %.len() > % { return %; }", member(field), field.type.max, failed);
        if (field.type.kind == Kind::kText)
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
        out.line(
            token->type.optional ? "message_.token = %.map_or(0, |token| token.slot());" : "message_.token = %.slot();",
            member(*token));
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
    (void)one_way;
}

// Names the fields of `in_` (a message) or refuses it: `failed` is a statement. The variable part stays `rest_`.
void emit_decode(Writer& out, const Message& message, const std::string& failed) {
    if (message.token < 0) out.line("if in_.token != 0 { %; }", failed);
    if (message.token >= 0 && !message.token_field()->type.optional) out.line("if in_.token == 0 { %; }", failed);
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
    const uint32_t used = message.in_registers ? message.fixed_bytes : 0;
    if (used < 24) out.line("if !idl::all_zero(&registers_[%..]) { %; }", used, failed);
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
    if (field.type.kind == Kind::kText) return "idl::text(" + bytes + ")";
    if (field.type.kind == Kind::kData) return "Some(" + bytes + ")";
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
    out.open("pub fn %%(&self%) -> Result<%, idl::Status> {", snake(method.name), variable ? "<'b>" : "", parameters,
             tuple(results));
    out.line("#[allow(unused_mut)]");
    out.line("let mut message_ = idl::Message::new(%);", label_name(interface, method));
    emit_encode(out, method.request, method.one_way, "Err(idl::INVALID_ARGUMENT)");
    if (method.one_way) {
        out.line("idl::send(self.slot, message_.label, message_.payload)");
        out.close();
        return;
    }
    if (method.request.registers_only() && method.answer.registers_only()) {
        out.line("let answer_ = idl::call_words(self.slot, message_.label, &message_.registers())?;");
        out.line("let mut in_ = idl::Message::new(0);");
        out.line("in_.set_registers(&answer_, true);");
        emit_decode(out, method.answer, "return Err(idl::PEER_INVALID)");
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
        out.line(token->type.optional
                     ? "let % = if in_.token == 0 { None } else { Some(idl::Token::from_slot(in_.token)) };"
                     : "let % = idl::Token::from_slot(in_.token);",
                 name);
    }
    out.line("Some((%, enough_))", tuple(values));
    out.close("})?;");
    out.line("if !enough_ { return Err(idl::NOT_ENOUGH_MEMORY); }");
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
    out.open("impl % {", name);
    out.line("/// `slot`: a connection or a token for this interface.");
    out.line("pub const fn from_slot(slot: u64) -> Self { % { slot } }", name);
    for (const Method& method : interface.methods) {
        out.blank();
        emit_client_method(out, interface, method);
    }
    out.close();
    out.blank();
}

// --- Server

std::string handler_head(const Method& method, bool with_names) {
    std::string text =
        "fn " + snake(method.name) + "(&mut self, " + (with_names ? "caller" : "_caller") + ": &idl::Caller";
    for (const Field& field : method.request.fields) {
        text += std::string(", ") + (with_names ? "" : "_") + member(field) + ": " +
                (field.type.variable() ? view_type(field.type, "") : value_type(field.type));
    }
    std::vector<std::string> results;
    for (const Field& field : method.answer.fields) {
        if (field.type.variable()) {
            text += std::string(", ") + (with_names ? "" : "_") + member(field) + ": &mut idl::Output<'_>";
        } else {
            results.push_back(value_type(field.type));
        }
    }
    return text + ")" + (method.one_way ? "" : " -> Result<" + tuple(results) + ", idl::Status>");
}

void emit_arm(Writer& out, const Interface& interface, const Method& method) {
    out.open("% => {", label_name(interface, method));
    const std::string refuse = method.one_way ? "return" : "return idl::refuse(in_, idl::BAD_REQUEST)";
    emit_decode(out, method.request, refuse);
    std::string arguments = "caller";
    if (const Field* variable = method.request.variable_field()) {
        out.line("let % = match % { Some(value) => value, None => { %; } };", member(*variable),
                 view_of(*variable, "rest_"), refuse);
    }
    // Last: from here on the token is given back by itself.
    if (const Field* token = method.request.token_field()) {
        out.line(token->type.optional
                     ? "let % = if in_.token == 0 { None } else { Some(idl::Token::from_slot(in_.token)) };"
                     : "let % = idl::Token::from_slot(in_.token);",
                 member(*token));
    }
    for (const Field& field : method.request.fields) arguments += ", " + member(field);
    if (method.one_way) {
        out.line("server.%(%);", snake(method.name), arguments);
        out.close();
        return;
    }
    const Message& answer = method.answer;
    const Field* const variable = answer.variable_field();
    if (variable) {
        const uint32_t bytes = variable->type.max * (variable->type.kind == Kind::kList ? variable->type.bytes : 1);
        out.line("let mut output_ = idl::Output::new(&mut memory[%..%]);", answer.variable_offset,
                 answer.variable_offset + bytes);
        arguments += ", &mut output_";
    }
    std::vector<std::string> names;
    for (const Field& field : answer.fields) {
        if (!field.type.variable()) names.push_back("out_" + member(field));
    }
    out.open("let % = match server.%(%) {", tuple(names), snake(method.name), arguments);
    out.line("Ok(value) => value,");
    out.line("Err(status) => return idl::server_failure(status, %),", method.deferred ? "true" : "false");
    out.close("};");
    if (variable) {
        out.line("let used_ = % + output_.len();", answer.variable_offset);
        if (!answer.in_registers) {
            out.line("memory[%..%].fill(0);", answer.fixed_bytes, answer.variable_offset);
        }
        if (variable->type.kind == Kind::kText) {
            out.line("if idl::text(&memory[%..used_]).is_none() { return idl::INTERNAL_ERROR; }",
                     answer.variable_offset);
        } else if (variable->type.kind == Kind::kList) {
            out.line("if used_ % % != % { return idl::INTERNAL_ERROR; }", "%", variable->type.bytes,
                     answer.variable_offset % variable->type.bytes);
        }
    } else if (answer.payload_max != 0) {
        out.line("let used_ = %;", answer.payload_max);
    }
    if (answer.in_registers && answer.fixed_bytes != 0) out.line("let mut fixed_ = [0u8; 24];");
    for (const Field& field : answer.fields) {
        if (!field.type.fixed()) continue;
        out.line("idl::Value::write(&out_%, &mut %[%..%]);", member(field), answer.in_registers ? "fixed_" : "memory",
                 field.offset, field.offset + field.type.bytes);
    }
    if (answer.in_registers && answer.fixed_bytes != 0) {
        out.line("answer.set_registers(&fixed_, %);", answer.uses_words() ? "true" : "false");
    }
    if (const Field* token = answer.token_field()) {
        out.line(token->type.optional ? "answer.token = out_%.map_or(0, idl::Token::release);"
                                      : "answer.token = out_%.release();",
                 member(*token));
    }
    if (answer.payload_max != 0) out.line("answer.payload_bytes = used_;");
    out.line("idl::OK");
    out.close();
}

void emit_server(Writer& out, const Interface& interface) {
    const std::string name = pascal(interface.path);
    out.line("/// The methods of a server; what it does not have answers NOT_IMPLEMENTED.");
    out.open("pub trait %Server {", name);
    for (const Method& method : interface.methods) {
        out.comment(method.doc, "/// ");
        out.line("% { % }", handler_head(method, false), method.one_way ? "" : "Err(idl::NOT_IMPLEMENTED)");
    }
    out.close();
    out.blank();
    bool any_queued = false;
    out.line("/// Decodes a request, calls its method, encodes the answer. `memory` holds the answer's payload.");
    out.line("#[allow(unused_variables)]");
    out.open(
        "pub fn %_dispatch(server: &mut impl %Server, caller: &idl::Caller, in_: &idl::Message<'_>, answer: &mut "
        "idl::Answer, "
        "memory: &mut [u8; 4096]) -> idl::Status {",
        snake(interface.path), name);
    out.open("match in_.label {");
    for (const Method& method : interface.methods) {
        if (method.one_way) any_queued = true;
        if (!method.one_way) emit_arm(out, interface, method);
    }
    out.line("_ => idl::refuse(in_, idl::BAD_REQUEST),");
    out.close();
    out.close();
    out.blank();
    if (!any_queued) return;
    out.line("/// Likewise for a queue message, whose bytes are the payload.");
    out.open("pub fn %_dispatch_queued(server: &mut impl %Server, caller: &idl::Caller, in_: &idl::Message<'_>) {",
             snake(interface.path), name);
    out.open("match in_.label {");
    for (const Method& method : interface.methods) {
        if (method.one_way) emit_arm(out, interface, method);
    }
    out.line("_ => {}");
    out.close();
    out.close();
    out.blank();
}

}  // namespace

std::string emit_rust(const Schema& schema) {
    Writer out;
    out.line("// Generated from %.capnp by tools/idl: Rust binding.", schema.file);
    out.comment(schema.doc);
    out.line("#![allow(dead_code, clippy::all)]");
    out.line("use kos::idl;");
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
