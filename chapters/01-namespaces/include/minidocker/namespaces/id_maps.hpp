#pragma once
/// \file
/// Which ids inside a user namespace are which ids outside of it (user_namespaces(7)).

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// One line of /proc/PID/uid_map or gid_map.
struct IdMapping {
  std::uint32_t inside = 0;                           ///< first id in the namespace
  std::uint32_t outside = 0;                          ///< first id in its parent namespace
  std::uint32_t count = 0;                            ///< how many follow one another
  bool operator==(const IdMapping&) const = default;  ///< same line
};

/// Whose ids they are.
enum class IdType { uid, gid };

/// Parses `INSIDE:OUTSIDE:COUNT[,INSIDE:OUTSIDE:COUNT...]`, as command lines give maps. Throws
/// Error(invalid_argument) that names `what`, e.g. "--uid-map".
[[nodiscard]] std::vector<IdMapping> parse_id_mappings(std::string_view text,
                                                       std::string_view what);

/// Parses the text of a uid_map or gid_map file. Throws Error(invalid_argument).
[[nodiscard]] std::vector<IdMapping> parse_id_map_file(std::string_view text);

/// The text for a uid_map or gid_map file: one line a mapping.
[[nodiscard]] std::string format_id_map(std::span<const IdMapping> maps);

/// Are our ids those of the host? Its user namespace maps all of them to themselves. Throws
/// SystemError.
[[nodiscard]] bool in_initial_user_namespace();

/// Throws Error(invalid_argument) for what the kernel would refuse with EINVAL: no line, more than
/// 340 lines, a count of 0, ids beyond 2^32-2, lines that overlap. The message names the line.
void check_id_map(std::span<const IdMapping> maps, IdType type);

/// How id maps can come into the kernel.
enum class MapWriter {
  direct,         ///< we write the files: we have CAP_SETUID and CAP_SETGID
  direct_own_id,  ///< we write the files after giving up setgroups: only our own two ids
  helpers,        ///< newuidmap(1) and newgidmap(1), which are privileged, write them
};

/// What a process may do, as far as id maps are concerned.
struct MapCredentials {
  uid_t uid = 0;                ///< effective user id
  gid_t gid = 0;                ///< effective group id
  std::uint64_t effective = 0;  ///< effective capabilities, bit n is capability n
};
/// Ours. Throws SystemError.
[[nodiscard]] MapCredentials own_credentials();

/// The simplest way that `who` may write these maps.
[[nodiscard]] MapWriter choose_writer(const MapCredentials& who, std::span<const IdMapping> uids,
                                      std::span<const IdMapping> gids) noexcept;

/// Gives the new user namespace of `pid`, which waits meanwhile, its id maps. A map can be written
/// once only. Checks both maps first. An ordinary user who maps just the own ids writes `deny` to
/// setgroups before; one who maps more needs newuidmap and newgidmap on PATH and ranges in
/// /etc/subuid and /etc/subgid. Throws Error; each cause that the kernel calls EPERM is named.
void write_id_maps(pid_t pid, std::span<const IdMapping> uids, std::span<const IdMapping> gids);

/// Why the kernel refused such a map with `error`: the hint of the SystemError. `own` is the map of
/// the writer's own namespace. Pure, so that each cause can be tested.
[[nodiscard]] std::string why_map_refused(int error, IdType type, std::span<const IdMapping> maps,
                                          std::span<const IdMapping> own,
                                          const MapCredentials& who);

/// Becomes user and group 0 of the user namespace and leaves all other groups: what the caller may
/// do by them, as adm or docker, is not meant for root inside. A process whose outside id is not
/// mapped is `nobody` inside until it takes an id that is.
///
/// Where setgroups is `deny` (MapWriter::direct_own_id) the groups stay, mapped to nobody's. That
/// is read in /proc: before PivotRoot.
struct BecomeRootInside {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "the ids it was born with mean nothing in its user namespace"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
