// Names of the schema in the forms that the outputs use.
#pragma once

#include <string>
#include <vector>

namespace kos::idl {

std::string snake(const std::string& camel);   // getWallTime -> get_wall_time
std::string upper(const std::string& camel);   // getWallTime -> GET_WALL_TIME
std::string pascal(const std::string& camel);  // getWallTime -> GetWallTime

std::string snake(const std::vector<std::string>& path);  // joined by _
std::string upper(const std::vector<std::string>& path);
std::string pascal(const std::vector<std::string>& path);  // joined without anything

// Means something in C, C++ or Rust.
bool reserved_word(const std::string& snake_name);

// Likewise, or is a member of the generated classes and structs.
bool reserved_method(const std::string& snake_name);

}  // namespace kos::idl
