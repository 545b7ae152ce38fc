// Lines of generated text.
#include "writer.h"

namespace kos::idl {

void Writer::comment(const std::string& doc, const std::string& mark) {
    size_t begin = 0;
    while (begin < doc.size()) {
        const size_t end = doc.find('\n', begin);
        std::string text = doc.substr(begin, end == std::string::npos ? end : end - begin);
        // A backslash at the end would make the next line a comment as well.
        while (!text.empty() && (text.back() == ' ' || text.back() == '\\')) text.pop_back();
        line("%", (mark + text).substr(0, text.empty() ? mark.find_last_not_of(' ') + 1 : std::string::npos));
        if (end == std::string::npos) break;
        begin = end + 1;
    }
}

}  // namespace kos::idl
