#pragma once
/// \file
/// The rows of containers.
///
/// Invariant ("intent first"): whatever bears a container's id - a directory, a lock file, a
/// cgroup, a process - exists only while its row does. The row is committed before the first of
/// them is made, and deleted after the last one is gone.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "database.hpp"
#include "minidocker/engine/engine.hpp"

namespace minidocker::engine {

/// A container's row.
struct ContainerRow {
  std::string id;                  ///< 64 hex digits, the key
  std::string name;                ///< unique
  State state = State::creating;   ///< see states.hpp
  std::string image;               ///< as the caller named it
  std::string image_id;            ///< what that was at creation
  std::string command;             ///< for `ps`
  std::string spec;                ///< the config.json it is started with
  std::string user;                ///< `USER[:GROUP]` for the container's own files; empty: root
  std::string root;                ///< its layer directories, a line each, the top one first
  std::string driver = "overlay";  ///< storage driver that its root was made with, for ever
  std::string runtime;             ///< empty: built in
  bool interactive = false;        ///< is stdin the caller's?
  bool auto_remove = false;        ///< does it go when it ends?
  int exit_code = 0;               ///< of the last run
  std::string error;               ///< why the last start failed
  std::int64_t created_ns = 0;     ///< CLOCK_REALTIME
  std::int64_t started_ns = 0;     ///< CLOCK_REALTIME; 0: never
  std::int64_t finished_ns = 0;    ///< CLOCK_REALTIME; 0: never
};

/// What `ps` shows of it.
[[nodiscard]] ContainerSummary summary_of(const ContainerRow& row);
/// The lines of its `root`.
[[nodiscard]] std::vector<std::string> layers_of(const ContainerRow& row);

/// The table of them. Borrows the database.
class ContainerTable {
 public:
  /// Makes the table if it is not there.
  explicit ContainerTable(Database& database);

  /// Adds a row. Throws UniqueClash if the name (or id) is taken.
  void insert(const ContainerRow& row);
  /// Stores the whole row; its state must be reachable from the stored one. Throws Error(conflict)
  /// if the row is gone, or doomed and to be started; Error(internal) for a step that the state
  /// machine does not know.
  void update(const ContainerRow& row);
  /// Tells the owner, wherever he is, that the container is to be removed: he can bring it no
  /// further towards running. None is fine.
  void doom(const std::string& id);
  /// Deletes a row; none is fine.
  void erase(const std::string& id);

  [[nodiscard]] std::optional<ContainerRow> find(const std::string& id) const;  ///< by full id
  [[nodiscard]] std::optional<ContainerRow> find_named(const std::string& name) const;  ///< exact
  [[nodiscard]] std::vector<ContainerRow> all() const;  ///< newest first

  /// By full id, else name (a leading slash is optional), else unique beginning of an id. Throws
  /// Error(not_found), or Error(invalid_argument) for an ambiguous beginning, in docker's words.
  [[nodiscard]] ContainerRow get(const std::string& name) const;

 private:
  [[nodiscard]] std::vector<ContainerRow> select(const std::string& where,
                                                 const std::string& value) const;
  [[nodiscard]] bool is_doomed(const std::string& id) const;
  Database& database_;
};

}  // namespace minidocker::engine
