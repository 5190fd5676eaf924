#pragma once
/// \file
/// A JSON value that knows where it stands. The way from the root is a chain of nodes on the
/// stack, put into words only when something is wrong: a good document costs no allocation here.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace minidocker::spec {

/// A borrowed JSON value and its place.
class JsonNode {
 public:
  /// The root of a document called `file`; both are borrowed.
  JsonNode(const nlohmann::json& value, std::string_view file) noexcept
      : value_(&value), key_(file) {}

  [[nodiscard]] bool is_empty_object() const;     ///< has it no member at all, or an error
  [[nodiscard]] bool boolean() const;             ///< a bool, or an error
  [[nodiscard]] const std::string& text() const;  ///< a string without NUL bytes, or an error
  /// An integer that fits into T, or an error.
  template <class T>
  [[nodiscard]] T integer() const {
    static_assert(std::is_integral_v<T>);
    if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(
          signed_between(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else {
      return static_cast<T>(unsigned_up_to(std::numeric_limits<T>::max()));
    }
  }
  [[nodiscard]] std::vector<std::string> texts() const;  ///< an array of strings, or an error

  /// Calls `visit(const JsonNode&)` for each element of an array; anything else is an error.
  template <class Visit>
  void for_each_element(Visit visit) const {
    elements([](void* v, const JsonNode& node) { (*static_cast<Visit*>(v))(node); }, &visit);
  }
  /// Calls `visit(std::string_view key, const JsonNode&)` for each member of an object that is not
  /// null; anything but an object is an error.
  template <class Visit>
  void for_each_member(Visit visit) const {
    members([](void* v, const JsonNode& node) { (*static_cast<Visit*>(v))(node.key_, node); },
            &visit);
  }
  /// An error unless the object has this member.
  void require(const char* member) const;

  /// Throws Error(invalid_argument): `FILE: /POINTER: WHY`.
  [[noreturn]] void fail(std::string_view why) const;
  /// Throws: `expected WHAT, found a string "x"`.
  [[noreturn]] void fail_expected(std::string_view what) const;

 private:
  using Visitor = void (*)(void*, const JsonNode&);
  JsonNode(const nlohmann::json& value, const JsonNode& parent, std::string_view key,
           std::size_t index) noexcept
      : value_(&value), parent_(&parent), key_(key), index_(index) {}
  void elements(Visitor visit, void* context) const;
  void members(Visitor visit, void* context) const;
  [[nodiscard]] std::int64_t signed_between(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::uint64_t unsigned_up_to(std::uint64_t high) const;
  void append_pointer(std::string& out) const;
  [[nodiscard]] std::string_view file() const noexcept;

  const nlohmann::json* value_;
  const JsonNode* parent_ = nullptr;
  std::string_view key_;   // member name, or the file's name in the root; no data: an element
  std::size_t index_ = 0;  // of an element
};

/// Owns a parsed document.
class JsonDocument {
 public:
  /// Throws Error(invalid_argument) that names `file`, line and column.
  JsonDocument(std::string_view text, std::string_view file);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  /// The outermost value; valid while the document lives.
  [[nodiscard]] JsonNode root() const noexcept { return {*value_, file_}; }

 private:
  std::unique_ptr<nlohmann::json> value_;
  std::string_view file_;
};

}  // namespace minidocker::spec
