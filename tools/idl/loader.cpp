// From Cap'n Proto's request to the model: names, types, annotations, and every check of a schema.
#include "loader.h"

#include <algorithm>
#include <set>

#include "layout.h"
#include "names.h"

namespace kos::idl {

namespace {

namespace schema = capnp::schema;

std::string text(capnp::Text::Reader reader) { return {reader.cStr(), reader.size()}; }

std::string stem(const std::string& file) {
    const size_t slash = file.rfind('/');
    const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
    return name.substr(0, name.rfind('.'));
}

std::string trimmed(std::string doc) {
    while (!doc.empty() && (doc.back() == '\n' || doc.back() == ' ')) doc.pop_back();
    return doc;
}

std::string status_name(const std::string& camel) { return upper(camel); }

class Loader {
public:
    explicit Loader(schema::CodeGeneratorRequest::Reader request) : request_(request) {
        for (schema::Node::Reader node : request.getNodes()) nodes_.emplace(node.getId(), node);
        for (schema::Node::SourceInfo::Reader info : request.getSourceInfo()) info_.emplace(info.getId(), info);
        find_annotations();
    }

    Model run() {
        for (schema::CodeGeneratorRequest::RequestedFile::Reader file : request_.getRequestedFiles()) {
            if (file.getId() == kAnnotationsFile) continue;
            Schema schema;
            schema.file = stem(text(file.getFilename()));
            schema.doc = doc_of(file.getId());
            check_file_name(schema.file);
            add_nested(schema, file.getId());
            includes_.erase(schema.file);
            schema.includes.assign(includes_.begin(), includes_.end());
            includes_.clear();
            check_names(schema);
            model_.schemas.push_back(std::move(schema));
        }
        return std::move(model_);
    }

private:
    static constexpr uint64_t kAnnotationsFile = 0xb1a9c6f2d3e84750;  // idl/kos.capnp

    // --- Looking things up

    void find_annotations() {
        const auto file = nodes_.find(kAnnotationsFile);
        if (file == nodes_.end()) return;
        for (schema::Node::NestedNode::Reader nested : file->second.getNestedNodes()) {
            annotations_.emplace(text(nested.getName()), nested.getId());
            if (text(nested.getName()) == "Status") status_enum_ = nested.getId();
        }
    }

    std::string doc_of(uint64_t id) {
        const auto found = info_.find(id);
        return found == info_.end() ? "" : trimmed(text(found->second.getDocComment()));
    }

    std::string member_doc(uint64_t id, uint32_t index) {
        const auto found = info_.find(id);
        if (found == info_.end() || index >= found->second.getMembers().size()) return "";
        return trimmed(text(found->second.getMembers()[index].getDocComment()));
    }

    // The annotation `name` among `list`; null if it is not there.
    template <typename List>
    kj::Maybe<schema::Value::Reader> annotation(const List& list, const std::string& name) {
        const auto id = annotations_.find(name);
        if (id == annotations_.end()) return nullptr;
        for (schema::Annotation::Reader found : list) {
            if (found.getId() == id->second) return found.getValue();
        }
        return nullptr;
    }

    template <typename List>
    bool has(const List& list, const std::string& name) {
        return annotation(list, name) != nullptr;
    }

    template <typename List>
    std::optional<uint32_t> number(const List& list, const std::string& name) {
        KJ_IF_MAYBE (value, annotation(list, name)) return value->getUint16();
        return std::nullopt;
    }

    template <typename List>
    std::string doc_annotation(const List& list) {
        KJ_IF_MAYBE (value, annotation(list, "doc")) return text(value->getText());
        return "";
    }

    // "Log.Level" of log.capnp:Log.Level
    std::vector<std::string> path_of(schema::Node::Reader node) {
        std::string full = text(node.getDisplayName());
        full = full.substr(full.rfind(':') + 1);
        std::vector<std::string> path;
        size_t begin = 0;
        for (size_t dot; (dot = full.find('.', begin)) != std::string::npos; begin = dot + 1) {
            path.push_back(full.substr(begin, dot - begin));
        }
        path.push_back(full.substr(begin));
        return path;
    }

    std::string file_of(schema::Node::Reader node) {
        const std::string full = text(node.getDisplayName());
        return stem(full.substr(0, full.rfind(':')));
    }

    void error(const std::string& file, const std::string& place, const std::string& what) {
        model_.errors.push_back(file + ".capnp: " + place + ": " + what);
    }

    // --- Declarations

    void name_it(Named& named, schema::Node::Reader node) {
        named.path = path_of(node);
        named.file = file_of(node);
        named.doc = doc_of(node.getId());
        if (node.getIsGeneric()) error(named.file, place_of(named), "found type parameters; expected none");
    }

    static std::string place_of(const Named& named) {
        std::string result;
        for (const std::string& part : named.path) result += (result.empty() ? "" : ".") + part;
        return result;
    }

    void add_nested(Schema& schema, uint64_t scope) {
        const auto found = nodes_.find(scope);
        if (found == nodes_.end()) return;
        for (schema::Node::NestedNode::Reader nested : found->second.getNestedNodes()) {
            const auto node = nodes_.find(nested.getId());
            if (node == nodes_.end()) continue;
            switch (node->second.which()) {
                case schema::Node::ENUM: push_once(schema.enums, load_enum(nested.getId())); break;
                case schema::Node::STRUCT: add_struct(schema, load_struct(nested.getId())); break;
                case schema::Node::INTERFACE: add_interface(schema, nested.getId()); continue;
                default: break;
            }
            add_nested(schema, nested.getId());
        }
    }

    template <typename T>
    static void push_once(std::vector<const T*>& list, const T* item) {
        if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
    }

    // Behind the structs of the same file that it contains.
    void add_struct(Schema& schema, const Struct* structure) {
        for (const Field& field : structure->fields) {
            if (field.type.kind == Kind::kStruct && field.type.structure->file == schema.file) {
                add_struct(schema, field.type.structure);
            }
        }
        push_once(schema.structs, structure);
    }

    void add_interface(Schema& schema, uint64_t id) {
        // Types inside first: the methods use them.
        add_nested(schema, id);
        push_once(schema.interfaces, load_interface(id));
    }

    const Enum* load_enum(uint64_t id) {
        std::unique_ptr<Enum>& slot = model_.enums[id];
        if (slot) return slot.get();
        slot = std::make_unique<Enum>();
        const schema::Node::Reader node = nodes_.at(id);
        name_it(*slot, node);
        uint32_t index = 0;
        for (schema::Enumerant::Reader value : node.getEnum().getEnumerants()) {
            std::string doc = member_doc(id, index++);
            if (doc.empty()) doc = doc_annotation(value.getAnnotations());
            slot->values.push_back({text(value.getName()), doc});
        }
        if (slot->values.empty() || slot->values.size() > 256) {
            error(slot->file, place_of(*slot),
                  "found " + std::to_string(slot->values.size()) + " values; expected 1 to 256");
        }
        return slot.get();
    }

    const Struct* load_struct(uint64_t id) {
        std::unique_ptr<Struct>& slot = model_.structs[id];
        if (slot) return slot.get();
        slot = std::make_unique<Struct>();
        Struct& result = *slot;
        loading_.insert(id);
        const schema::Node::Reader node = nodes_.at(id);
        name_it(result, node);
        if (node.getStruct().getDiscriminantCount() != 0) {
            error(result.file, place_of(result), "found a union; expected fields only");
        }
        uint32_t index = 0;
        for (schema::Field::Reader field : node.getStruct().getFields()) {
            Field loaded = load_field(field, result.file, place_of(result) + "." + text(field.getName()));
            if (!loaded.type.fixed()) {
                error(result.file, place_of(result) + "." + loaded.name,
                      "found a field of variable length or a token; expected a fixed size (Text and Data need "
                      "$fixedBytes)");
                continue;
            }
            const std::string doc = member_doc(id, index++);
            if (!doc.empty()) loaded.doc = doc;
            result.fields.push_back(std::move(loaded));
        }
        if (result.fields.empty()) error(result.file, place_of(result), "found no fields; expected at least one");
        lay_out(result);
        if (result.bytes > kPayloadMax) {
            error(result.file, place_of(result),
                  "found a struct of " + std::to_string(result.bytes) + " bytes; expected at most 4096");
        }
        loading_.erase(id);
        return &result;
    }

    const Interface* load_interface(uint64_t id) {
        std::unique_ptr<Interface>& slot = model_.interfaces[id];
        if (slot) return slot.get();
        slot = std::make_unique<Interface>();
        Interface& result = *slot;
        const schema::Node::Reader node = nodes_.at(id);
        name_it(result, node);
        result.single_use = has(node.getAnnotations(), "singleUse");
        if (node.getInterface().getSuperclasses().size() != 0) {
            error(result.file, place_of(result), "found `extends`; expected an interface that stands alone");
        }
        uint32_t ordinal = 0;
        for (schema::Method::Reader method : node.getInterface().getMethods()) {
            result.methods.push_back(load_method(result, method, ordinal, member_doc(id, ordinal)));
            ++ordinal;
        }
        check_labels(result);
        return &result;
    }

    Method load_method(const Interface& interface, schema::Method::Reader method, uint32_t ordinal,
                       const std::string& doc) {
        Method result;
        result.name = text(method.getName());
        result.doc = doc;
        const auto annotations = method.getAnnotations();
        result.label = number(annotations, "label").value_or(ordinal + 1);
        result.one_way = has(annotations, "oneWay");
        result.deferred = has(annotations, "deferred");
        const std::string place = place_of(interface) + "." + result.name;
        KJ_IF_MAYBE (value, annotation(annotations, "errors")) result.errors = statuses(*value);
        if (method.getImplicitParameters().size() != 0) {
            error(interface.file, place, "found type parameters; expected none");
        }
        if (result.label == 0 || result.label >= kReservedLabels) {
            error(interface.file, place,
                  "found label " + std::to_string(result.label) + "; expected 1 to 65519 (0xffef)");
        }
        load_message(result.request, method.getParamStructType(), interface, place, "parameters");
        load_message(result.answer, method.getResultStructType(), interface, place, "results");
        if (result.one_way && !result.answer.empty()) {
            error(interface.file, place, "found results of a $oneWay method; expected none");
        }
        if (result.one_way && result.deferred) {
            error(interface.file, place, "found $oneWay and $deferred; expected one of them");
        }
        for (const std::string& problem : lay_out(result.request, result.one_way)) {
            error(interface.file, place, problem);
        }
        for (const std::string& problem : lay_out(result.answer, false)) {
            error(interface.file, place, "results: " + problem);
        }
        if (const Field* const text = result.answer.variable_field(); text && text->type.raw) {
            error(interface.file, place, "found $raw on a result; expected it on parameters only");
        }
        if (const Field* const token = result.answer.token_field(); token && token->type.own) {
            error(interface.file, place, "found $own on a result; expected it on parameters only");
        }
        check_parameter_names(result, interface.file, place);
        return result;
    }

    std::vector<std::string> statuses(schema::Value::Reader value) {
        std::vector<std::string> result;
        const auto known = nodes_.find(status_enum_);
        if (known == nodes_.end()) return result;
        const auto values = value.getList().getAs<capnp::List<uint16_t>>();
        for (uint16_t index : values) {
            if (index < known->second.getEnum().getEnumerants().size()) {
                result.push_back(status_name(text(known->second.getEnum().getEnumerants()[index].getName())));
            }
        }
        return result;
    }

    void load_message(Message& message, uint64_t id, const Interface& interface, const std::string& place,
                      const char* what) {
        const auto node = nodes_.find(id);
        if (node == nodes_.end() || !node->second.isStruct()) {
            error(interface.file, place, std::string("found no list of ") + what + "; expected one in parentheses");
            return;
        }
        if (node->second.getScopeId() != 0) {
            error(interface.file, place,
                  std::string("found a named struct in place of the ") + what + "; expected a list in parentheses");
            return;
        }
        for (schema::Field::Reader field : node->second.getStruct().getFields()) {
            message.fields.push_back(load_field(field, interface.file, place + "(" + text(field.getName()) + ")"));
        }
    }

    // --- Fields and types

    Field load_field(schema::Field::Reader field, const std::string& file, const std::string& place) {
        Field result;
        result.name = text(field.getName());
        result.doc = doc_annotation(field.getAnnotations());
        if (reserved_word(snake(result.name))) {
            error(file, place, "found a name that is reserved in generated code; expected another");
        }
        if (field.isGroup()) {
            error(file, place, "found a group or union; expected a field");
            return result;
        }
        if (field.getSlot().getHadExplicitDefault()) {
            error(file, place, "found a default value; expected none (every field is always sent)");
        }
        result.type = load_type(field.getSlot().getType(), field.getAnnotations(), file, place);
        return result;
    }

    static Type scalar(Kind kind, uint32_t bytes) {
        Type type;
        type.kind = kind;
        type.bytes = type.align = bytes;
        return type;
    }

    template <typename List>
    Type load_type(schema::Type::Reader type, const List& annotations, const std::string& file,
                   const std::string& place) {
        refuse_misplaced(type, annotations, file, place);
        switch (type.which()) {
            case schema::Type::BOOL: return scalar(Kind::kBool, 1);
            case schema::Type::INT8: return scalar(Kind::kSigned, 1);
            case schema::Type::INT16: return scalar(Kind::kSigned, 2);
            case schema::Type::INT32: return scalar(Kind::kSigned, 4);
            case schema::Type::INT64: return scalar(Kind::kSigned, 8);
            case schema::Type::UINT8: return scalar(Kind::kUnsigned, 1);
            case schema::Type::UINT16: return scalar(Kind::kUnsigned, 2);
            case schema::Type::UINT32: return scalar(Kind::kUnsigned, 4);
            case schema::Type::UINT64: return scalar(Kind::kUnsigned, 8);
            case schema::Type::FLOAT32: return scalar(Kind::kFloat, 4);
            case schema::Type::FLOAT64: return scalar(Kind::kFloat, 8);
            case schema::Type::TEXT: return bytes_type(Kind::kText, Kind::kFixedText, annotations, file, place);
            case schema::Type::DATA: return bytes_type(Kind::kData, Kind::kFixedData, annotations, file, place);
            case schema::Type::LIST: return list_type(type.getList().getElementType(), annotations, file, place);
            case schema::Type::ENUM: {
                Type result = scalar(Kind::kEnum, 1);
                result.enumeration = load_enum(type.getEnum().getTypeId());
                includes_.insert(result.enumeration->file);
                return result;
            }
            case schema::Type::STRUCT: {
                if (loading_.count(type.getStruct().getTypeId())) {
                    error(file, place, "found a struct that contains itself; expected an end");
                    return scalar(Kind::kUnsigned, 1);
                }
                Type result;
                result.kind = Kind::kStruct;
                result.structure = load_struct(type.getStruct().getTypeId());
                result.bytes = result.structure->bytes;
                result.align = result.structure->align;
                includes_.insert(result.structure->file);
                return result;
            }
            case schema::Type::INTERFACE: {
                Type result = token_type(annotations);
                result.interface = load_interface(type.getInterface().getTypeId());
                includes_.insert(result.interface->file);
                return result;
            }
            case schema::Type::ANY_POINTER:
                if (is_capability(type.getAnyPointer())) return token_type(annotations);
                break;
            default: break;
        }
        error(file, place,
              "found a type that messages do not have; expected a number, Bool, enum, struct, Text, Data, List, "
              "interface "
              "or Capability");
        return scalar(Kind::kUnsigned, 1);
    }

    static bool is_capability(schema::Type::AnyPointer::Reader type) {
        return type.isUnconstrained() && type.getUnconstrained().isCapability();
    }

    template <typename List>
    Type token_type(const List& annotations) {
        Type type;
        type.kind = Kind::kToken;
        type.optional = has(annotations, "optional");
        type.own = has(annotations, "own");
        return type;
    }

    template <typename List>
    Type bytes_type(Kind variable, Kind fixed, const List& annotations, const std::string& file,
                    const std::string& place) {
        const std::optional<uint32_t> most = number(annotations, "maxBytes");
        const std::optional<uint32_t> exact = number(annotations, "fixedBytes");
        Type type;
        if (most && exact) error(file, place, "found $maxBytes and $fixedBytes; expected one of them");
        if (exact) {
            if (has(annotations, "raw")) error(file, place, "found $raw; expected it with $maxBytes only");
            type.kind = fixed;
            type.bytes = *exact;
            const uint32_t least = fixed == Kind::kFixedText ? 2 : 1;
            check_range(*exact, least, "fixedBytes", file, place);
            return type;
        }
        type.kind = variable;
        type.raw = has(annotations, "raw");
        type.max = most.value_or(1);
        if (!most) error(file, place, "found no bound; expected $maxBytes(n) or $fixedBytes(n) with n from 1 to 4096");
        check_range(type.max, 1, "maxBytes", file, place);
        return type;
    }

    template <typename List>
    Type list_type(schema::Type::Reader element, const List& annotations, const std::string& file,
                   const std::string& place) {
        Type type;
        type.kind = Kind::kList;
        const std::optional<uint32_t> most = number(annotations, "maxCount");
        if (!most) error(file, place, "found no bound; expected $maxCount(n) with n from 1 to 4096");
        type.max = most.value_or(1);
        check_range(type.max, 1, "maxCount", file, place);
        static const capnp::List<schema::Annotation>::Reader kNone;
        Type inner = element.isText() || element.isData() || element.isList() || element.isInterface()
                         ? Type{}
                         : load_type(element, kNone, file, place);
        if (inner.bytes == 0) {
            error(file, place, "found a list of elements without a fixed size; expected numbers, enums or structs");
            inner = scalar(Kind::kUnsigned, 1);
        }
        type.bytes = inner.bytes;
        type.align = inner.align;
        type.element = std::make_shared<Type>(inner);
        return type;
    }

    void check_range(uint32_t value, uint32_t least, const std::string& name, const std::string& file,
                     const std::string& place) {
        if (value >= least && value <= kPayloadMax) return;
        error(file, place,
              "found $" + name + "(" + std::to_string(value) + "); expected " + std::to_string(least) + " to 4096");
    }

    // An annotation that does not fit the type would otherwise be ignored in silence.
    template <typename List>
    void refuse_misplaced(schema::Type::Reader type, const List& annotations, const std::string& file,
                          const std::string& place) {
        const bool bytes = type.isText() || type.isData();
        const auto refuse = [&](const char* name, bool fits, const char* where) {
            if (!fits && has(annotations, name)) {
                error(file, place, std::string("found $") + name + "; expected it on " + where + " only");
            }
        };
        refuse("maxBytes", bytes, "Text and Data");
        refuse("fixedBytes", bytes, "Text and Data");
        refuse("maxCount", type.isList(), "List");
        refuse("raw", type.isText(), "Text");
        refuse("optional", type.isInterface() || type.isAnyPointer(), "tokens");
        refuse("own", type.isInterface() || type.isAnyPointer(), "tokens");
    }

    // --- Checks of what belongs together

    void check_labels(const Interface& interface) {
        // Calls and queue messages never meet.
        std::map<std::pair<bool, uint32_t>, std::string> taken;
        for (const Method& method : interface.methods) {
            const auto [other, is_new] = taken.emplace(std::pair(method.one_way, method.label), method.name);
            if (is_new) continue;
            error(interface.file, place_of(interface) + "." + method.name,
                  "found label " + std::to_string(method.label) + ", which `" + other->second +
                      "` has; expected another");
        }
        std::set<std::string> names;
        for (const Method& method : interface.methods) {
            const std::string name = snake(method.name);
            if (reserved_method(name)) {
                error(interface.file, place_of(interface) + "." + method.name,
                      "found a name that is reserved in generated code; expected another");
            }
            if (!names.insert(name).second) {
                error(interface.file, place_of(interface) + "." + method.name,
                      "found a name that equals another one in lower case; expected a different one");
            }
        }
    }

    // Parameters and results are arguments of one function in C.
    void check_parameter_names(const Method& method, const std::string& file, const std::string& place) {
        std::set<std::string> names;
        for (const Message* message : {&method.request, &method.answer}) {
            for (const Field& field : message->fields) {
                const std::string name = snake(field.name);
                const bool counted = field.type.variable();
                if (!names.insert(name).second || (counted && !names.insert(counted_name(name, field.type)).second)) {
                    error(file, place + "(" + field.name + ")",
                          "found a name that a parameter or result of the method already has; expected another");
                }
            }
        }
    }

    void check_file_name(const std::string& file) {
        const bool good = !file.empty() && file[0] >= 'a' && file[0] <= 'z' &&
                          file.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
        if (!good) error(file, "file name", "found characters that names in C do not have; expected [a-z][a-z0-9_]*");
    }

    static std::string counted_name(const std::string& name, const Type& type) {
        return name + (type.kind == Kind::kList ? "_count" : "_bytes");
    }

    void check_names(const Schema& schema) {
        std::set<std::string> names;
        const auto add = [&](const Named& named) {
            if (!names.insert(snake(named.path)).second) {
                error(schema.file, place_of(named),
                      "found a name that equals another one in C; expected a different one");
            }
        };
        for (const Enum* item : schema.enums) add(*item);
        for (const Struct* item : schema.structs) add(*item);
        for (const Interface* item : schema.interfaces) add(*item);
    }

    schema::CodeGeneratorRequest::Reader request_;
    std::map<uint64_t, schema::Node::Reader> nodes_;
    std::map<uint64_t, schema::Node::SourceInfo::Reader> info_;
    std::map<std::string, uint64_t> annotations_;
    uint64_t status_enum_ = 0;
    std::set<uint64_t> loading_;
    std::set<std::string> includes_;
    Model model_;
};

}  // namespace

Model load(schema::CodeGeneratorRequest::Reader request) { return Loader(request).run(); }

}  // namespace kos::idl
