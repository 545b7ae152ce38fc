/*
 * What the generator says about wrong schemas, word by word, and that it says nothing about right ones.
 */
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "emit.h"
#include "loader.h"
#include "names.h"

namespace kos::idl {
namespace {

// A folder that is gone after the test.
class Folder {
public:
    Folder() {
        std::string name = ::testing::TempDir() + "idl.XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

// What `capnp compile` makes of a schema, read by this tool's front end.
Model model_of_file(const std::string& file, const Folder& folder) {
    const std::string request = folder.file("request");
    const std::string command = std::string(KOS_CAPNP) + " compile -I" + KOS_IDL_DIR + " -o- " + file + " > " + request;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    const int descriptor = ::open(request.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_GE(descriptor, 0);
    Model model;
    {
        capnp::StreamFdMessageReader message(descriptor);
        model = load(message.getRoot<capnp::schema::CodeGeneratorRequest>());
    }
    ::close(descriptor);
    return model;
}

Model model_of(const std::string& text, const std::string& name = "t.capnp") {
    const Folder folder;
    std::ofstream(folder.file(name)) << "@0xdeadbeefdeadbee1;\nusing Kos = import \"/kos.capnp\";\n" << text;
    return model_of_file(folder.file(name), folder);
}

std::string errors_of(const std::string& text, const std::string& name = "t.capnp") {
    std::string result;
    for (const std::string& error : model_of(text, name).errors) result += (result.empty() ? "" : "\n") + error;
    return result;
}

// Of one method's parameters.
std::string errors_of_method(const std::string& rest) { return errors_of("interface I { m @0 " + rest + "; }"); }

TEST(Schema, BoundsAreRequired) {
    EXPECT_EQ(errors_of_method("(t :Text) -> ()"),
              "t.capnp: I.m(t): found no bound; expected $maxBytes(n) or $fixedBytes(n) with n from 1 to 4096");
    EXPECT_EQ(errors_of_method("() -> (d :Data)"),
              "t.capnp: I.m(d): found no bound; expected $maxBytes(n) or $fixedBytes(n) with n from 1 to 4096");
    EXPECT_EQ(errors_of_method("(l :List(UInt8)) -> ()"),
              "t.capnp: I.m(l): found no bound; expected $maxCount(n) with n from 1 to 4096");
}

TEST(Schema, BoundsAreChecked) {
    EXPECT_EQ(errors_of_method("(t :Text $Kos.maxBytes(0)) -> ()"),
              "t.capnp: I.m(t): found $maxBytes(0); expected 1 to 4096");
    EXPECT_EQ(errors_of_method("(t :Text $Kos.maxBytes(4097)) -> ()"),
              "t.capnp: I.m(t): found $maxBytes(4097); expected 1 to 4096\n"
              "t.capnp: I.m: found a payload of up to 4097 bytes; expected at most 4096");
    EXPECT_EQ(errors_of_method("(t :Text $Kos.fixedBytes(1)) -> ()"),
              "t.capnp: I.m(t): found $fixedBytes(1); expected 2 to 4096");
    EXPECT_EQ(errors_of_method("(t :Text $Kos.fixedBytes(9) $Kos.maxBytes(9)) -> ()"),
              "t.capnp: I.m(t): found $maxBytes and $fixedBytes; expected one of them");
    EXPECT_EQ(errors_of_method("(l :List(UInt8) $Kos.maxCount(0)) -> ()"),
              "t.capnp: I.m(l): found $maxCount(0); expected 1 to 4096");
}

TEST(Schema, PayloadsFitIntoAMessage) {
    EXPECT_EQ(errors_of_method("() -> (l :List(UInt64) $Kos.maxCount(513))"),
              "t.capnp: I.m: results: found a payload of up to 4104 bytes; expected at most 4096");
    EXPECT_EQ(errors_of_method("(a :UInt64, b :UInt64, c :UInt64, d :Bool, x :Data $Kos.maxBytes(4080)) -> ()"),
              "t.capnp: I.m: found a payload of up to 4105 bytes; expected at most 4096");
    EXPECT_EQ(errors_of_method("(t :Text $Kos.maxBytes(49)) $Kos.oneWay"),
              "t.capnp: I.m: found a payload of up to 49 bytes; expected at most 48 for a $oneWay method");
}

TEST(Schema, OneVariablePartAndOneToken) {
    EXPECT_EQ(errors_of_method("(a :Text $Kos.maxBytes(4), b :Data $Kos.maxBytes(4)) -> ()"),
              "t.capnp: I.m: found two parameters of variable length, `a` and `b`; expected at most one per direction "
              "(Text and "
              "Data can have $fixedBytes)");
    EXPECT_EQ(errors_of_method("() -> (a :I, b :Capability)"),
              "t.capnp: I.m: results: found two tokens, `a` and `b`; expected at most one per direction");
}

TEST(Schema, TypesThatMessagesDoNotHave) {
    const std::string expected =
        "found a type that messages do not have; expected a number, Bool, enum, struct, Text, Data, List, interface or "
        "Capability";
    EXPECT_EQ(errors_of_method("(a :AnyPointer) -> ()"), "t.capnp: I.m(a): " + expected);
    EXPECT_EQ(errors_of_method("(a :Void) -> ()"), "t.capnp: I.m(a): " + expected);
    EXPECT_EQ(errors_of_method("(a :AnyStruct) -> ()"), "t.capnp: I.m(a): " + expected);
    EXPECT_EQ(errors_of_method("(a :List(Text) $Kos.maxCount(2)) -> ()"),
              "t.capnp: I.m(a): found a list of elements without a fixed size; expected numbers, enums or structs");
    EXPECT_EQ(errors_of_method("(a :List(List(UInt8)) $Kos.maxCount(2)) -> ()"),
              "t.capnp: I.m(a): found a list of elements without a fixed size; expected numbers, enums or structs");
    EXPECT_EQ(errors_of_method("(a :List(I) $Kos.maxCount(2)) -> ()"),
              "t.capnp: I.m(a): found a list of elements without a fixed size; expected numbers, enums or structs");
}

TEST(Schema, AnnotationsWhereTheyMeanNothing) {
    EXPECT_EQ(errors_of_method("(a :UInt8 $Kos.maxBytes(3)) -> ()"),
              "t.capnp: I.m(a): found $maxBytes; expected it on Text and Data only");
    EXPECT_EQ(errors_of_method("(a :UInt8 $Kos.fixedBytes(3)) -> ()"),
              "t.capnp: I.m(a): found $fixedBytes; expected it on Text and Data only");
    EXPECT_EQ(errors_of_method("(a :Text $Kos.maxBytes(3) $Kos.maxCount(3)) -> ()"),
              "t.capnp: I.m(a): found $maxCount; expected it on List only");
    EXPECT_EQ(errors_of_method("(a :Bool $Kos.optional) -> ()"),
              "t.capnp: I.m(a): found $optional; expected it on tokens only");
    EXPECT_EQ(errors_of_method("(a :Data $Kos.maxBytes(3) $Kos.raw) -> ()"),
              "t.capnp: I.m(a): found $raw; expected it on Text only");
    EXPECT_EQ(errors_of_method("(a :Text $Kos.fixedBytes(3) $Kos.raw) -> ()"),
              "t.capnp: I.m(a): found $raw; expected it with $maxBytes only");
    EXPECT_EQ(errors_of_method("() -> (a :Text $Kos.maxBytes(3) $Kos.raw)"),
              "t.capnp: I.m: found $raw on a result; expected it on parameters only");
    EXPECT_EQ(errors_of_method("(a :Bool $Kos.own) -> ()"), "t.capnp: I.m(a): found $own; expected it on tokens only");
    EXPECT_EQ(errors_of_method("() -> (a :I $Kos.own)"),
              "t.capnp: I.m: found $own on a result; expected it on parameters only");
}

TEST(Schema, Labels) {
    EXPECT_EQ(errors_of_method("() -> () $Kos.label(0)"), "t.capnp: I.m: found label 0; expected 1 to 65519 (0xffef)");
    EXPECT_EQ(errors_of_method("() -> () $Kos.label(0xfff0)"),
              "t.capnp: I.m: found label 65520; expected 1 to 65519 (0xffef)");
    EXPECT_EQ(errors_of("interface I { a @0 () -> (); b @1 () -> () $Kos.label(1); }"),
              "t.capnp: I.b: found label 1, which `a` has; expected another");
    EXPECT_EQ(errors_of("interface I { a @0 () -> (); b @1 () $Kos.oneWay $Kos.label(1); }"), "");
}

TEST(Schema, OneWayAndDeferred) {
    EXPECT_EQ(errors_of_method("() -> (a :Bool) $Kos.oneWay"),
              "t.capnp: I.m: found results of a $oneWay method; expected none");
    EXPECT_EQ(errors_of_method("(a :I) $Kos.oneWay"),
              "t.capnp: I.m: found token `a`; expected none for a $oneWay method");
    EXPECT_EQ(errors_of_method("() $Kos.oneWay $Kos.deferred"),
              "t.capnp: I.m: found $oneWay and $deferred; expected one of them");
}

TEST(Schema, PartsOfTheLanguageThatAreNotUsed) {
    EXPECT_EQ(errors_of("interface J {} interface I extends(J) { }"),
              "t.capnp: I: found `extends`; expected an interface that stands alone");
    EXPECT_EQ(errors_of("interface I(T) { }"), "t.capnp: I: found type parameters; expected none");
    EXPECT_EQ(errors_of("interface I { m @0 [T] () -> (); }"), "t.capnp: I.m: found type parameters; expected none");
    EXPECT_EQ(errors_of_method("(a :UInt8 = 3) -> ()"),
              "t.capnp: I.m(a): found a default value; expected none (every field is always sent)");
    EXPECT_EQ(errors_of("struct S { a @0 :UInt8; } interface I { m @0 S -> (); }"),
              "t.capnp: I.m: found a named struct in place of the parameters; expected a list in parentheses");
    EXPECT_EQ(errors_of("struct S { union { a @0 :UInt8; b @1 :UInt8; } }"),
              "t.capnp: S: found a union; expected fields only");
    EXPECT_EQ(errors_of("struct S { a @0 :UInt8; g :group { b @1 :UInt8; } }"),
              "t.capnp: S.g: found a group or union; expected a field");
}

TEST(Schema, Structs) {
    EXPECT_EQ(errors_of("struct S { t @0 :Text $Kos.maxBytes(4); }"),
              "t.capnp: S.t: found a field of variable length or a token; expected a fixed size (Text and Data need "
              "$fixedBytes)\n"
              "t.capnp: S: found no fields; expected at least one");
    EXPECT_EQ(errors_of("struct S { }"), "t.capnp: S: found no fields; expected at least one");
    EXPECT_EQ(errors_of("struct S { s @0 :S; }"), "t.capnp: S.s: found a struct that contains itself; expected an end");
    EXPECT_EQ(errors_of("struct S { t @0 :T; } struct T { s @0 :S; }"),
              "t.capnp: T.s: found a struct that contains itself; expected an end");
    EXPECT_EQ(errors_of("struct S { a @0 :Data $Kos.fixedBytes(4096); b @1 :Bool; }"),
              "t.capnp: S: found a struct of 4097 bytes; expected at most 4096");
}

TEST(Schema, Enums) {
    std::string values;
    for (int i = 0; i < 257; ++i) values += "v" + std::to_string(i) + " @" + std::to_string(i) + "; ";
    EXPECT_EQ(errors_of("enum E { " + values + "}"), "t.capnp: E: found 257 values; expected 1 to 256");
    EXPECT_EQ(errors_of("enum E { }"), "t.capnp: E: found 0 values; expected 1 to 256");
}

TEST(Schema, Names) {
    EXPECT_EQ(errors_of_method("(register :UInt8) -> ()"),
              "t.capnp: I.m(register): found a name that is reserved in generated code; expected another");
    EXPECT_EQ(errors_of("interface I { delete @0 () -> (); }"),
              "t.capnp: I.delete: found a name that is reserved in generated code; expected another");
    EXPECT_EQ(errors_of("interface I { run @0 () -> (); }"),
              "t.capnp: I.run: found a name that is reserved in generated code; expected another");
    EXPECT_EQ(errors_of_method("(a :UInt8) -> (a :UInt8)"),
              "t.capnp: I.m(a): found a name that a parameter or result of the method already has; expected another");
    EXPECT_EQ(
        errors_of_method("(text :Text $Kos.maxBytes(4), textBytes :UInt8) -> ()"),
        "t.capnp: I.m(textBytes): found a name that a parameter or result of the method already has; expected another");
    EXPECT_EQ(errors_of("interface Ab { interface Cd { } } interface AbCd { }"),
              "t.capnp: AbCd: found a name that equals another one in C; expected a different one");
    EXPECT_EQ(errors_of("interface I { }", "9-t.capnp"),
              "9-t.capnp: file name: found characters that names in C do not have; expected [a-z][a-z0-9_]*");
}

TEST(Schema, AllMistakesAreToldAtOnce) {
    EXPECT_EQ(errors_of("interface I { a @0 (t :Text) -> (); b @1 (d :Void) -> () $Kos.label(0); }"),
              "t.capnp: I.a(t): found no bound; expected $maxBytes(n) or $fixedBytes(n) with n from 1 to 4096\n"
              "t.capnp: I.b: found label 0; expected 1 to 65519 (0xffef)\n"
              "t.capnp: I.b(d): found a type that messages do not have; expected a number, Bool, enum, struct, Text, "
              "Data, List, "
              "interface or Capability");
}

TEST(Schema, CommentsAndErrorsReachTheBindings) {
    const Model model = model_of(
        "interface I {\n# About I.\n m @0 (a :UInt8 $Kos.doc(\"About a.\")) -> () $Kos.errors([notFound, full]);\n# "
        "About m.\n"
        "# More.\n}");
    ASSERT_TRUE(model.errors.empty());
    const Interface& interface = *model.schemas[0].interfaces[0];
    EXPECT_EQ(interface.doc, "About I.");
    EXPECT_EQ(interface.methods[0].doc, "About m.\nMore.");
    EXPECT_EQ(interface.methods[0].request.fields[0].doc, "About a.");
    EXPECT_EQ(interface.methods[0].errors, (std::vector<std::string>{"NOT_FOUND", "FULL"}));
    const std::string header = emit_c_header(model.schemas[0]);
    EXPECT_NE(header.find("// About m.\n// More.\n// Errors: NOT_FOUND, FULL."), std::string::npos);
    const std::string page = emit_markdown(model.schemas[0]);
    for (const char* text : {"About I.", "About m.", "About a.", "NOT_FOUND"}) {
        EXPECT_NE(page.find(text), std::string::npos) << text << page;
    }
}

// A comment must not be able to end a comment or to continue on the next line.
TEST(Schema, CommentsStayComments) {
    const Model model = model_of("interface I {\n# ends with \\\n m @0 () -> ();\n# */ also \\\n}");
    const std::string header = emit_c_header(model.schemas[0]);
    EXPECT_EQ(header.find("\\\n"), std::string::npos) << header;
}

// Under the sanitizers, with every output.
TEST(Schema, AllInterfacesOfKosAreRight) {
    int schemas = 0;
    for (const auto& entry : std::filesystem::directory_iterator(KOS_IDL_DIR)) {
        if (entry.path().extension() != ".capnp" || entry.path().stem() == "kos") continue;
        const Folder folder;
        const Model model = model_of_file(entry.path(), folder);
        EXPECT_TRUE(model.errors.empty()) << model.errors.front();
        ASSERT_EQ(model.schemas.size(), 1u);
        for (auto* emit :
             {emit_c_header, emit_c_source, emit_cpp_header, emit_rust, emit_markdown, emit_trace, emit_probe}) {
            EXPECT_FALSE(emit(model.schemas[0]).empty());
        }
        ++schemas;
    }
    EXPECT_GE(schemas, 12);
}

TEST(Names, ChangeTheirForm) {
    EXPECT_EQ(snake("getWallTime"), "get_wall_time");
    EXPECT_EQ(snake("readHTTPBody"), "read_http_body");
    EXPECT_EQ(snake("u8"), "u8");
    EXPECT_EQ(upper("getWallTime"), "GET_WALL_TIME");
    EXPECT_EQ(pascal("getWallTime"), "GetWallTime");
    EXPECT_EQ(snake(std::vector<std::string>{"Pump", "Lease"}), "pump_lease");
    EXPECT_TRUE(reserved_word("abstract"));
    EXPECT_TRUE(reserved_word("yield"));
    EXPECT_TRUE(reserved_method("run"));
    EXPECT_FALSE(reserved_word("text"));
}

}  // namespace
}  // namespace kos::idl
