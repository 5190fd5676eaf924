#include "minidocker/images/json_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {

namespace {

// How deep it nests, strings left out. Counted before parsing, as a tree of values is expensive
// to build and to destroy for a text that is nothing but brackets.
int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

[[noreturn]] void refuse(std::string_view what, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what, why));
}

}  // namespace

nlohmann::json parse_document(std::string_view text, std::string_view what) {
  if (text.size() > kMaxDocument) {
    refuse(what,
           fmt::format("{} bytes of JSON, more than {} are not read", text.size(), kMaxDocument));
  }
  if (depth_of(text) > kMaxDepth) {
    refuse(what, fmt::format("JSON nested deeper than {} levels", kMaxDepth));
  }
  nlohmann::json document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) refuse(what, "is no JSON");
  if (!document.is_structured()) refuse(what, "must be a JSON object or array");
  return document;
}

void refuse_member(std::string_view what, std::string_view key, std::string_view must_be) {
  refuse(what, fmt::format("member {} must be {}", quoted(key), must_be));
}

const nlohmann::json* find_member(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string string_member(const nlohmann::json& object, const char* key, std::string_view what) {
  const nlohmann::json* member = find_member(object, key);
  if (member == nullptr) return {};
  if (!member->is_string()) refuse_member(what, key, "a string");
  return member->get<std::string>();
}

std::uint64_t number_member(const nlohmann::json& object, const char* key, std::string_view what) {
  const nlohmann::json* member = find_member(object, key);
  if (member == nullptr || !member->is_number_unsigned()) {
    refuse_member(what, key, "a number that is not negative");
  }
  return member->get<std::uint64_t>();
}

std::vector<std::string> strings_member(const nlohmann::json& object, const char* key,
                                        std::string_view what) {
  std::vector<std::string> strings;
  const nlohmann::json* member = find_member(object, key);
  if (member == nullptr) return strings;
  if (!member->is_array()) refuse_member(what, key, "an array of strings");
  for (const nlohmann::json& element : *member) {
    if (!element.is_string()) refuse_member(what, key, "an array of strings");
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

}  // namespace minidocker::images
