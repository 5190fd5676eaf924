#pragma once
/// \file
/// The table of docs/architecture.md: the rooms, and who may include whom.

#include <string>
#include <vector>

#include "source_tree.hpp"

namespace minidocker::lint {

/// One row of the table.
struct Room {
  std::string name;                      ///< first column
  std::string directory;                 ///< e.g. "chapters/04-images"; two rooms may share one
  std::string headers;                   ///< the directory below include/minidocker
  std::vector<std::string> may_include;  ///< "images", or one header: "shim/protocol.hpp"
  std::vector<std::string> third_party;  ///< e.g. "openssl"
};

/// The rooms in the table's order.
class House {
 public:
  /// Reads the table that follows `<!-- lint: include table -->`. Throws std::runtime_error if the
  /// page has none or a row has not five columns: a rule without its table must not pass.
  [[nodiscard]] static House parse(const std::string& markdown);

  [[nodiscard]] const std::vector<Room>& rooms() const { return rooms_; }  ///< all of them

  /// The room that owns headers `minidocker/<headers>/`; nullptr if none does.
  [[nodiscard]] const Room* owner_of_headers(const std::string& headers) const;

  /// The room `file` stands in; nullptr outside the rooms. Where rooms share a directory, a public
  /// header says it by its place and x.cpp by its public header x.hpp; a private file counts for
  /// the last of the rooms that has a header it includes (itself or through other private
  /// headers), and for the first if there is none. Tests and demos count for the last.
  [[nodiscard]] const Room* room_of(const SourceTree& tree, const SourceFile& file) const;

 private:
  std::vector<Room> rooms_;
};

}  // namespace minidocker::lint
