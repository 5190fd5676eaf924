#include "systemd_protocol.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::cgroups {
namespace {

constexpr std::array<std::pair<ErrorKind, std::string_view>, 6> kKinds{{
    {ErrorKind::not_found, "not_found"},
    {ErrorKind::conflict, "conflict"},
    {ErrorKind::invalid_argument, "invalid_argument"},
    {ErrorKind::unavailable, "unavailable"},
    {ErrorKind::permission, "permission"},
    {ErrorKind::internal, "internal"},
}};

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorKind::invalid_argument, "not a message of mini-scope: " + quoted(text));
}

/// Takes the fields of a message one after the other.
class Fields {
 public:
  explicit Fields(std::string_view text) : whole_(text), rest_(text) {}
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::string_view take(char end = '\n') {
    const std::size_t at = rest_.find(end);
    if (at == std::string_view::npos) refuse(whole_);
    const std::string_view field = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return field;
  }
  template <class Number>
  Number take_number() {
    const auto number = parse_number<Number>(take());
    if (!number) refuse(whole_);
    return *number;
  }
  template <class T>
  T take_one_of(std::initializer_list<std::pair<std::string_view, T>> words) {
    const std::string_view field = take();
    for (const auto& [word, meaning] : words) {
      if (field == word) return meaning;
    }
    refuse(whole_);
  }

 private:
  std::string_view whole_;
  std::string_view rest_;
};

/// A field must not end before it ends.
const std::string& plain(const std::string& field) {
  if (field.find_first_of("\n\t") != std::string::npos) refuse(field);
  return field;
}

Property::Type type_of(std::string_view letter) {
  using Type = Property::Type;
  for (const Type type : {Type::boolean, Type::number, Type::text, Type::bytes}) {
    if (letter == std::string_view(reinterpret_cast<const char*>(&type), 1)) return type;
  }
  refuse(letter);
}

}  // namespace

std::string ScopeRequest::to_text() const {
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n", verb == Verb::start ? "start" : "set",
                  manager == Manager::user ? "user" : "system", plain(unit), plain(slice), pid);
  for (const Property& property : properties) {
    text += fmt::format("{}\t{}\t{}\n", plain(property.name), static_cast<char>(property.type),
                        plain(property.value));
  }
  return text;
}

ScopeRequest ScopeRequest::from_text(std::string_view text) {
  Fields fields(text);
  ScopeRequest request;
  request.verb = fields.take_one_of<Verb>({{"start", Verb::start}, {"set", Verb::set}});
  request.manager =
      fields.take_one_of<Manager>({{"system", Manager::system}, {"user", Manager::user}});
  request.unit = fields.take();
  request.slice = fields.take();
  request.pid = fields.take_number<pid_t>();
  while (!fields.at_end()) {
    const std::string_view name = fields.take('\t');
    const Property::Type type = type_of(fields.take('\t'));
    request.properties.push_back({std::string(name), type, std::string(fields.take())});
  }
  return request;
}

std::string ScopeAnswer::to_text() const {
  if (!failure) return fmt::format("done\n{}\n", plain(group));
  std::string line = words;
  std::ranges::replace(line, '\n', ' ');
  const auto* kind =
      std::ranges::find(kKinds, *failure, [](const auto& entry) { return entry.first; });
  return fmt::format("failed\n{}\n{}\n", kind->second, line);
}

ScopeAnswer ScopeAnswer::from_text(std::string_view text) {
  Fields fields(text);
  ScopeAnswer answer;
  if (fields.take_one_of<bool>({{"done", true}, {"failed", false}})) {
    answer.group = fields.take();
  } else {
    const std::string_view word = fields.take();
    const auto* kind =
        std::ranges::find(kKinds, word, [](const auto& entry) { return entry.second; });
    if (kind == kKinds.end()) refuse(text);
    answer.failure = kind->first;
    answer.words = fields.take();
  }
  if (!fields.at_end()) refuse(text);
  return answer;
}

}  // namespace minidocker::cgroups
