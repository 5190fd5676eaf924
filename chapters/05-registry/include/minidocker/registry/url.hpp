#pragma once
/// \file
/// URLs as registries use them: http and https, and what a Location header means (RFC 3986).

#include <string>
#include <string_view>

namespace minidocker::registry {

/// An absolute URL, taken apart.
struct Url {
  std::string scheme;     ///< "http" or "https"
  std::string authority;  ///< host and port, as written, in lower case
  std::string target;     ///< path and query; begins with "/"

  /// Parses an absolute URL. Throws invalid_argument for another scheme, for a URL with a user or
  /// password in it, and for control characters and blanks.
  static Url parse(std::string_view text);
  /// What `location` means on a page of this URL: absolute, `//host/x`, `/x`, `?q`, or `x`. Throws
  /// as parse.
  [[nodiscard]] Url resolve(std::string_view location) const;

  /// The URL.
  [[nodiscard]] std::string str() const { return scheme + "://" + authority + target; }
  /// Without the query, which may hold a signature that nobody else shall read: for messages.
  [[nodiscard]] std::string for_people() const;
  /// May what was said to one be said to the other: same scheme, host and port?
  [[nodiscard]] bool same_origin(const Url& other) const;
  /// Is the host this machine: `localhost`, 127.x.x.x, [::1]?
  [[nodiscard]] bool is_loopback() const;
  /// `text` as a value of a query or a part of a path: all but letters, digits and `-._~` escaped.
  static std::string escape(std::string_view text);
  /// This URL with `name=value` added to its query, the value escaped.
  [[nodiscard]] Url with_query(std::string_view name, std::string_view value) const;

  bool operator==(const Url&) const = default;  ///< all parts
};

}  // namespace minidocker::registry
