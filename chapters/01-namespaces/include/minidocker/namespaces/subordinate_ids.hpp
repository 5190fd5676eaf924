#pragma once
/// \file
/// The ids that an ordinary user may hand out in user namespaces: /etc/subuid and /etc/subgid
/// (subuid(5)).

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/namespaces/id_maps.hpp"

namespace minidocker::namespaces {

/// Ids that follow one another.
struct IdRange {
  std::uint32_t first = 0;                          ///< lowest id
  std::uint32_t count = 0;                          ///< how many
  bool operator==(const IdRange&) const = default;  ///< same ids
};

/// The ranges that a subuid file gives to the user, who may stand there by name or by number. Lines
/// that are comments, malformed, or about nobody we look for are passed over, as newuidmap(1) does.
/// `name` may be empty.
[[nodiscard]] std::vector<IdRange> parse_subordinate_ids(std::string_view text,
                                                         std::string_view name, uid_t uid);

/// The login name of `uid` in the text of a passwd file (passwd(5)). Not by getpwuid(3): that
/// loads modules, which a static program cannot.
[[nodiscard]] std::optional<std::string> find_login_name(std::string_view passwd, uid_t uid);

/// What a user may map besides the own ids.
struct SubordinateIds {
  std::vector<IdRange> uids;  ///< from /etc/subuid
  std::vector<IdRange> gids;  ///< from /etc/subgid
};

/// The subordinate ids of a user of this host; none if the files do not exist.
[[nodiscard]] SubordinateIds subordinate_ids(uid_t user);

/// The maps of a rootless container.
struct RootlessMaps {
  std::vector<IdMapping> uids;  ///< 0 is the user; 1 and up are the subordinate ids
  std::vector<IdMapping> gids;  ///< likewise for groups
};
/// 0 inside is the user, 1 and up are all of the subordinate ids, one range after the other; just
/// the user's own ids if there are none.
[[nodiscard]] RootlessMaps rootless_maps(uid_t uid, gid_t gid, const SubordinateIds& extra);

/// The part of `maps` that a user with these ids may not map, if any: what newuidmap(1) would
/// refuse without saying which line it means.
[[nodiscard]] std::optional<IdMapping> find_forbidden(const std::vector<IdMapping>& maps,
                                                      std::uint32_t own,
                                                      std::vector<IdRange> allowed);

}  // namespace minidocker::namespaces
