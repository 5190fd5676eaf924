#include "include_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "includes.hpp"

namespace minidocker::lint {
namespace {

struct Library {
  std::string_view prefix;  // of the name in #include; a whole name where it ends in .h
  std::string_view name;    // as the table calls it
};

constexpr Library kLibraries[] = {
    {"fmt/", "fmt"},
    {"nlohmann/", "nlohmann"},
    {"CLI/", "cli11"},
    {"gtest/", "gtest"},
    {"gmock/", "gtest"},
    {"benchmark/", "benchmark"},
    {"openssl/", "openssl"},
    {"sqlite3.h", "sqlite"},
    {"zlib.h", "zlib"},
    {"isa-l/", "isa-l"},
    {"isa-l.h", "isa-l"},
    {"zstd.h", "zstd"},
    {"seccomp.h", "seccomp"},
    {"curl/", "curl"},
    {"boost/", "boost"},
    {"netlink/", "libnl"},
    {"nftables/", "libnftables"},
    {"systemd/", "libsystemd"},
};

// Directories of /usr/include that belong to the C library and the kernel.
constexpr std::string_view kSystem[] = {"sys/", "linux/", "arpa/",    "net/",
                                        "asm/", "bits/",  "netinet/", "sanitizer/"};

constexpr std::string_view kTestSupport = "testing";

bool contains(const std::vector<std::string>& list, std::string_view entry) {
  return std::ranges::find(list, entry) != list.end();
}

bool is_about_command_lines(const SourceFile& file) {
  return file.ends_with("/main.cpp") || file.ends_with("_main.cpp") ||
         file.ends_with("/flag_parser.cpp") || file.path.find("/demo/") != std::string::npos;
}

/// The entries of the table that this include needs.
std::set<std::string> uses_of(const SourceFile& file, const Include& include) {
  const std::string owner = header_room(include.name);
  if (!owner.empty()) return {owner, include.name.substr(std::string_view("minidocker/").size())};
  if (include.quoted || file.is_test()) return {};  // tests need no permission for a library
  return {library_of(include.name)};
}

class Checker {
 public:
  Checker(const SourceTree& tree, const House& house) : tree_(tree), house_(house) {}

  Findings run() {
    for (const SourceFile& file : tree_.files()) {
      if (file.is_cpp()) check(file);
    }
    return std::move(findings_);
  }

 private:
  void check(const SourceFile& file) {
    const Room* room = house_.room_of(tree_, file);
    if (room == nullptr && (file.starts_with("chapters/") || file.starts_with("mini-docker/"))) {
      report(file, 0, "stands in no room of docs/architecture.md: add a row to the include table");
      return;
    }
    check_place(file, room);
    for (const Include& include : includes_of(tree_, file)) {
      if (!header_room(include.name).empty()) {
        check_ours(file, room, include);
      } else if (include.quoted) {
        check_beside(file, room, include);
      } else {
        check_library(file, room, include);
      }
    }
  }

  // A public header stands below the name its room has in the table.
  void check_place(const SourceFile& file, const Room* room) {
    const std::size_t at = file.path.find("/include/minidocker/");
    if (room == nullptr || at == std::string::npos || file.is_test()) return;
    const std::string owner = header_room(file.path.substr(at + 9));
    if (const Room* named = house_.owner_of_headers(owner);
        named == nullptr || named->directory != room->directory) {
      report(file, 0,
             fmt::format("include/minidocker/{} is not a headers directory of this room", owner));
    }
  }

  void check_ours(const SourceFile& file, const Room* room, const Include& include) {
    if (include.target == nullptr) {
      report(file, include.line, fmt::format("there is no header {}", include.name));
      return;
    }
    const std::string owner = header_room(include.name);
    if (owner == kTestSupport) {
      if (!file.is_test()) {
        report(file, include.line, "only tests may include the test support library");
      }
      return;
    }
    if (room == nullptr || owner == room->headers || owner == "toolbox") return;
    // Two rooms in one directory have their tests in one directory too.
    const Room* target = house_.owner_of_headers(owner);
    if (file.is_test() && target != nullptr && target->directory == room->directory) return;
    const bool allowed = std::ranges::any_of(room->may_include, [&](const std::string& entry) {
      return entry == owner || include.name == "minidocker/" + entry;
    });
    if (!allowed) {
      report(file, include.line,
             fmt::format("{} may not include {}: the include table of docs/architecture.md lists "
                         "[{}] for it",
                         room->name, include.name, fmt::join(room->may_include, " ")));
    }
  }

  void check_beside(const SourceFile& file, const Room* room, const Include& include) {
    if (include.target == nullptr) {
      report(file, include.line, fmt::format("no file {} beside this one", include.name));
    } else if (house_.room_of(tree_, *include.target) != room &&
               !(room != nullptr && include.target->starts_with(room->directory + "/"))) {
      report(file, include.line, fmt::format("{} reaches into another room", include.name));
    }
  }

  void check_library(const SourceFile& file, const Room* room, const Include& include) {
    const std::string library = library_of(include.name);
    if (library == "std") return;
    if (library.empty()) {
      report(file, include.line,
             fmt::format("<{}> belongs to no library that tests/lint/include_table.cpp knows",
                         include.name));
      return;
    }
    if (file.is_test()) return;  // tests may use a library to check ours against it
    if (file.is_header() && include.name != "nlohmann/json_fwd.hpp") {
      report(file, include.line,
             fmt::format("<{}> in a header: third-party headers are for .cpp "
                         "files only",
                         include.name));
    }
    if (!may_use(file, room, library)) {
      report(file, include.line,
             fmt::format("{} may not use {}: see the include table of "
                         "docs/architecture.md",
                         room == nullptr ? "this place" : room->name, library));
    }
  }

  static bool may_use(const SourceFile& file, const Room* room, const std::string& library) {
    if (library == "fmt") return true;
    if (library == "cli11") return is_about_command_lines(file);
    if (library == "benchmark") return file.path.find("/bench/") != std::string::npos;
    return room != nullptr && contains(room->third_party, library);
  }

  void report(const SourceFile& file, std::size_t line, std::string message) {
    findings_.push_back({file.path, line, std::move(message)});
  }

  const SourceTree& tree_;
  const House& house_;
  Findings findings_;
};

}  // namespace

std::string library_of(const std::string& include_name) {
  for (const Library& library : kLibraries) {
    const bool whole = library.prefix.ends_with(".h");
    if (whole ? include_name == library.prefix : include_name.starts_with(library.prefix)) {
      return std::string(library.name);
    }
  }
  if (include_name.find('/') == std::string::npos) return "std";
  const bool system = std::ranges::any_of(
      kSystem, [&](std::string_view prefix) { return include_name.starts_with(prefix); });
  return system ? "std" : "";
}

Findings check_include_table(const SourceTree& tree, const House& house) {
  return Checker(tree, house).run();
}

Findings check_unused_permissions(const SourceTree& tree, const House& house) {
  std::map<const Room*, std::set<std::string>> used;
  for (const SourceFile& file : tree.files()) {
    const Room* room = file.is_cpp() ? house.room_of(tree, file) : nullptr;
    if (room == nullptr) continue;
    for (const Include& include : includes_of(tree, file)) used[room].merge(uses_of(file, include));
  }
  Findings findings;
  for (const Room& room : house.rooms()) {
    std::vector<std::string> permissions = room.may_include;
    permissions.insert(permissions.end(), room.third_party.begin(), room.third_party.end());
    for (const std::string& permission : permissions) {
      if (used[&room].contains(permission)) continue;
      findings.push_back(
          {"docs/architecture.md", 0,
           fmt::format("{} may use {}, and no file of it does", room.name, permission)});
    }
  }
  return findings;
}

}  // namespace minidocker::lint
