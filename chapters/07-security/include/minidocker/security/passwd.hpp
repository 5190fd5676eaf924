#pragma once
/// \file
/// /etc/passwd and /etc/group of an image: hostile text, parsed line by line by pure functions that
/// allocate nothing (passwd(5), group(5)), and docker's rules of who "name:group" is.

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace minidocker::security {

/// The ids of a user, a slot that one step fills and later ones read. Trivially copyable.
struct UserSlot {
  static constexpr std::size_t kMaxGroups = 256;  ///< more than that is an error
  static constexpr std::size_t kMaxHome = 256;    ///< with its NUL

  uid_t uid = 0;                           ///< user id in the container
  gid_t gid = 0;                           ///< primary group
  std::size_t group_count = 0;             ///< how many of `groups` are set
  std::array<gid_t, kMaxGroups> groups{};  ///< supplementary groups
  std::array<char, kMaxHome> home{'/'};    ///< home directory, NUL-terminated

  /// Appends a supplementary group once; false if there is no room.
  bool add_group(gid_t group) noexcept;
  /// Takes over a home directory; false if it is relative, empty or too long.
  bool set_home(std::string_view directory) noexcept;
};

/// A line of /etc/passwd.
struct PasswdEntry {
  std::string_view name;  ///< login name
  uid_t uid = 0;          ///< user id
  gid_t gid = 0;          ///< primary group
  std::string_view home;  ///< home directory
};
/// A line of /etc/group.
struct GroupEntry {
  std::string_view name;     ///< its name
  gid_t gid = 0;             ///< its id
  std::string_view members;  ///< names with commas between
  /// Is `user` one of them?
  [[nodiscard]] bool has_member(std::string_view user) const noexcept;
};

/// A decimal id of 0 to 2^31-1, as docker takes it; nothing for any other text.
[[nodiscard]] std::optional<std::uint32_t> parse_id(std::string_view text) noexcept;
/// A line without its newline; nothing for an empty one, a comment, or one that is none.
[[nodiscard]] std::optional<PasswdEntry> parse_passwd_line(std::string_view line) noexcept;
/// The same for /etc/group.
[[nodiscard]] std::optional<GroupEntry> parse_group_line(std::string_view line) noexcept;

/// Why no user came out.
enum class UserError : std::uint8_t {
  none,             ///< one did
  no_such_user,     ///< a name that /etc/passwd does not hold
  no_such_group,    ///< a name that /etc/group does not hold
  bad_id,           ///< a number beyond 2^31-1
  too_many_groups,  ///< more than UserSlot::kMaxGroups
};

/// Finds out who a `USER[:GROUP]` is, being fed both files line by line: passwd whole, then group
/// whole, then finish(). The first match in each file holds. Without GROUP the groups are those
/// that list the user as a member, with the primary one; with GROUP it is the only one.
class UserSearch {
 public:
  /// `wanted` must outlive the search; empty means uid 0. Fills `slot`.
  UserSearch(std::string_view wanted, UserSlot& slot) noexcept;

  void take_passwd_line(std::string_view line) noexcept;  ///< a line of /etc/passwd
  void take_group_line(std::string_view line) noexcept;   ///< a line of /etc/group
  /// Nothing more comes: is the user known?
  UserError finish() noexcept;
  /// Can a line of /etc/passwd still matter?
  [[nodiscard]] bool wants_passwd() const noexcept { return !found_user_; }
  /// Can a line of /etc/group still matter? Not for "0:0" or a number without an entry.
  [[nodiscard]] bool wants_group() const noexcept;

 private:
  void remember_name(std::string_view name) noexcept;

  std::string_view user_;
  std::string_view group_;
  UserSlot& slot_;
  bool found_user_ = false;
  bool found_group_ = false;
  bool too_many_ = false;
  std::array<char, 256> name_{};  // of the user found: lines do not stay
  std::size_t name_size_ = 0;
};

}  // namespace minidocker::security
