#include "json_node.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

using nlohmann::json;

std::string in_words(const json& value) {
  constexpr std::size_t kMaxShown = 60;
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string: {
      const auto& text = *value.get_ptr<const std::string*>();
      if (text.size() <= kMaxShown) return "a string " + minidocker::quoted(text);
      return fmt::format("a string of {} bytes", text.size());
    }
    default:
      return value.dump();
  }
}

}  // namespace

bool JsonNode::is_empty_object() const {
  if (!value_->is_object()) fail_expected("an object");
  return value_->empty();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail_expected("true or false");
  return *value_->get_ptr<const json::boolean_t*>();
}

const std::string& JsonNode::text() const {
  if (!value_->is_string()) fail_expected("a string");
  const auto& text = *value_->get_ptr<const std::string*>();
  if (text.find('\0') != std::string::npos) {
    fail(fmt::format("{} holds a NUL byte, which no path or argument can",
                     minidocker::quoted(text)));
  }
  return text;
}

std::vector<std::string> JsonNode::texts() const {
  std::vector<std::string> result;
  if (value_->is_array()) result.reserve(value_->size());
  for_each_element([&](const JsonNode& element) { result.push_back(element.text()); });
  return result;
}

std::int64_t JsonNode::signed_between(std::int64_t low, std::int64_t high) const {
  if (!value_->is_number_integer()) fail_expected("an integer");
  const auto* big = value_->get_ptr<const json::number_unsigned_t*>();
  const bool fits = big == nullptr || *big <= static_cast<std::uint64_t>(high);
  const auto number = fits ? value_->get<std::int64_t>() : 0;
  if (!fits || number < low || number > high) {
    fail(fmt::format("{} is out of range, expected {} to {}", value_->dump(), low, high));
  }
  return number;
}

std::uint64_t JsonNode::unsigned_up_to(std::uint64_t high) const {
  if (!value_->is_number_integer()) fail_expected("an integer");
  const auto* number = value_->get_ptr<const json::number_unsigned_t*>();
  if (number == nullptr || *number > high) {
    fail(fmt::format("{} is out of range, expected 0 to {}", value_->dump(), high));
  }
  return *number;
}

void JsonNode::elements(Visitor visit, void* context) const {
  const auto* array = value_->get_ptr<const json::array_t*>();
  if (array == nullptr) fail_expected("an array");
  for (std::size_t i = 0; i < array->size(); ++i) {
    visit(context, JsonNode((*array)[i], *this, std::string_view(), i));
  }
}

void JsonNode::members(Visitor visit, void* context) const {
  const auto* object = value_->get_ptr<const json::object_t*>();
  if (object == nullptr) fail_expected("an object");
  for (const auto& [key, value] : *object) {
    if (!value.is_null()) visit(context, JsonNode(value, *this, key, 0));
  }
}

void JsonNode::require(const char* member) const {
  if (!value_->is_object()) fail_expected("an object");
  const auto found = value_->find(member);
  if (found != value_->end() && !found->is_null()) return;
  const json absent;
  JsonNode(absent, *this, member, 0).fail("missing");
}

std::string_view JsonNode::file() const noexcept {
  const JsonNode* node = this;
  while (node->parent_ != nullptr) node = node->parent_;
  return node->key_;
}

void JsonNode::append_pointer(std::string& out) const {
  if (parent_ == nullptr) return;
  parent_->append_pointer(out);
  out += '/';
  if (key_.data() == nullptr) {
    out += std::to_string(index_);
    return;
  }
  for (const char c : key_) {  // RFC 6901, section 3
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

void JsonNode::fail(std::string_view why) const {
  std::string pointer;
  append_pointer(pointer);
  // Control bytes in a key must not tear the line; the pointer itself stays unquoted.
  const std::string shown = minidocker::quoted(pointer);
  const std::string place = shown.size() == pointer.size() + 2 ? pointer : shown;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: {}{}{}", file(), place, place.empty() ? "" : ": ", why));
}

void JsonNode::fail_expected(std::string_view what) const {
  fail(fmt::format("expected {}, found {}", what, in_words(*value_)));
}

JsonDocument::JsonDocument(std::string_view text, std::string_view file) : file_(file) {
  try {
    value_ = std::make_unique<json>(json::parse(text));
  } catch (const json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
    std::string_view why = error.what();
    if (const auto end = why.find("] "); end != std::string_view::npos) why.remove_prefix(end + 2);
    constexpr std::string_view kHead = "parse error at ";
    if (why.starts_with(kHead)) why.remove_prefix(kHead.size());
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: not valid JSON: {}", file, why));
  }
}

JsonDocument::~JsonDocument() = default;

}  // namespace minidocker::spec
