#pragma once
/// \file
/// One table per object of the specification: the member's name, and what is done with it. A member
/// that stands in no table is unknown to the specification, or is another system's (user.username,
/// process.commandLine, windows, solaris, vm, zos, freebsd): it is ignored, as the specification
/// demands.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "json_node.hpp"
#include "minidocker/spec/resources.hpp"

namespace minidocker::spec {

template <class T>
struct Field {
  std::string_view name;
  void (*read)(const JsonNode&, T&);
};

template <class T, std::size_t N>
void read_fields(const JsonNode& node, T& target, const Field<T> (&fields)[N]) {
  node.for_each_member([&](std::string_view key, const JsonNode& member) {
    for (const Field<T>& field : fields) {
      if (field.name == key) return field.read(member, target);
    }
  });
}

// What the specification has and we don't is harmless as long as it asks for nothing; what that
// looks like depends on the type, which is checked as if it were supported.
[[noreturn]] inline void not_supported(const JsonNode& node) { node.fail("not supported yet"); }

template <class T>
void refuse_any(const JsonNode& node, T&) {
  not_supported(node);
}
template <class T>
void refuse_text(const JsonNode& node, T&) {
  if (!node.text().empty()) not_supported(node);
}
template <class T>
void refuse_true(const JsonNode& node, T&) {
  if (node.boolean()) not_supported(node);
}
// Engines send 0 where they mean "leave it" (dockerd: blockIO.weight, memory.kernel, ...).
template <class T>
void refuse_number(const JsonNode& node, T&) {
  if (node.integer<std::int64_t>() != 0) not_supported(node);
}
template <class T>
void refuse_list(const JsonNode& node, T&) {
  node.for_each_element([&](const JsonNode&) { not_supported(node); });
}
// Where keys are the caller's own (devices, files, variables), a key alone asks for something.
template <class T>
void refuse_object(const JsonNode& node, T&) {
  if (!node.is_empty_object()) not_supported(node);
}

template <auto Member, class T>
void read_text(const JsonNode& node, T& target) {
  target.*Member = node.text();
}
template <auto Member, class T>
void read_texts(const JsonNode& node, T& target) {
  target.*Member = node.texts();
}
template <auto Member, class T>
void read_bool(const JsonNode& node, T& target) {
  target.*Member = node.boolean();
}

template <class T>
struct value_of {
  using type = T;
};
template <class T>
struct value_of<std::optional<T>> {
  using type = T;
};
template <auto Member, class T>
void read_integer(const JsonNode& node, T& target) {
  using Number = typename value_of<std::remove_reference_t<decltype(target.*Member)>>::type;
  target.*Member = node.integer<Number>();
}
// Callers send 0 where they mean "leave it".
template <auto Member, class T>
void read_unless_zero(const JsonNode& node, T& target) {
  using Number = typename value_of<std::remove_reference_t<decltype(target.*Member)>>::type;
  if (const auto number = node.integer<Number>(); number != 0) target.*Member = number;
}

template <class T, auto Read>
std::vector<T> read_list(const JsonNode& node) {
  std::vector<T> result;
  node.for_each_element([&](const JsonNode& element) { result.push_back(Read(element)); });
  return result;
}

// A device's type, one letter out of `letters`.
[[nodiscard]] char read_letter(const JsonNode& node, std::string_view letters);

// linux.resources; what is absent stays as it is in `to`.
void read_resources(const JsonNode& node, Resources& to);

}  // namespace minidocker::spec
