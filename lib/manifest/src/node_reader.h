// Reads the properties of one node by a table of what may be there. Used by manifest.cpp only.
//
// Every property of the node must be in the table, at most once, with the length and range that the table says; every
// one that the table does not allow to be absent must be there.
#pragma once

#include <kos/manifest/manifest.h>

#include <span>

namespace kos::manifest {

enum class Kind : uint8_t {
    kU32,      // uint32_t
    kU64,      // uint64_t
    kFlag,     // bool
    kText,     // const char*
    kHash,     // const uint8_t*: 32 bytes
    kChoice,   // an enumeration of one byte; the text is one of Field::choices
    kChoices,  // uint32_t: bit n for the text that is choices[n]
    kTexts,    // Range of Manifest::texts
    kList,     // TextList
    kCells,    // CellList
    kRegion,   // Region: u64 address, u64 size
};

// A list of texts that stays where it is: zero-terminated, one after the other.
struct TextList {
    const char* data;
    uint32_t bytes;
};

struct CellList {
    const uint8_t* data;
    uint32_t count;
};

struct Region {
    uint64_t address, bytes;
};

uint32_t cell_at(const uint8_t* data);

struct Field {
    const char* name;
    Kind kind;
    uint16_t offset;   // into the target
    uint64_t min = 0;  // of the number, of the count of cells; above 0: the property must be there
    uint64_t max = 0;
    uint32_t granule = 1;  // the number is a multiple of it
    std::span<const char* const> choices = {};
    bool is_required = false;  // for those without numbers
};

class NodeReader {
public:
    NodeReader(const void* tree, Manifest& manifest) : tree_(tree), manifest_(manifest) {}

    // False: error() says why. Fields of absent properties keep what `target` has.
    bool read_fields(int node, std::span<const Field> fields, void* target);
    // The node's name, if it is a name of the manifest; null: error() says why.
    const char* read_name(int node);
    bool has_no_properties(int node);
    // Every child is one of `names`, and each is there once at most.
    bool check_children(int parent, std::span<const char* const> names);
    bool has_no_children(int node) { return check_children(node, {}); }

    bool fail(int node, const char* property, const char* text, int64_t found = 0);
    const Error& error() const { return error_; }
    const void* tree() const { return tree_; }

    // The text of `length` bytes including one final zero and no other; null otherwise.
    static const char* as_text(const void* data, int length);

private:
    bool read_field(int node, const Field& field, const uint8_t* data, int length, uint8_t* target);
    bool read_number(int node, const Field& field, uint64_t value);
    bool read_choices(int node, const Field& field, const char* data, int length, uint32_t& mask);
    bool read_texts(int node, const Field& field, const char* data, int length, Range& range);

    const void* tree_;
    Manifest& manifest_;
    Error error_;
};

// Is it [a-z][a-z0-9_]*, at most KOS_MAX_NAME bytes? With `allow_dash` also a "-" after the first character.
bool is_name(const char* text, bool allow_dash = false);

// The next text of a checked list; null at the end.
const char* next_text(TextList& list);

}  // namespace kos::manifest
