#include "include_cycles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "includes.hpp"

namespace minidocker::lint {
namespace {

using Graph = std::map<std::string, std::set<std::string>>;

// Depth first; a name that is met again while it is still on the path closes a cycle.
class CycleFinder {
 public:
  explicit CycleFinder(const Graph& graph) : graph_(graph) {}

  std::vector<std::vector<std::string>> run() {
    for (const auto& [name, targets] : graph_) visit(name);
    return std::move(cycles_);
  }

 private:
  void visit(const std::string& name) {
    if (const auto on_path = std::ranges::find(path_, name); on_path != path_.end()) {
      cycles_.emplace_back(on_path, path_.end());
      return;
    }
    if (!seen_.insert(name).second) return;
    path_.push_back(name);
    if (const auto at = graph_.find(name); at != graph_.end()) {
      for (const std::string& target : at->second) visit(target);
    }
    path_.pop_back();
  }

  const Graph& graph_;
  std::set<std::string> seen_;
  std::vector<std::string> path_;
  std::vector<std::vector<std::string>> cycles_;
};

void report(const char* what, const Graph& graph, Findings& findings) {
  for (const std::vector<std::string>& cycle : CycleFinder(graph).run()) {
    findings.push_back(
        {cycle.front(), 0,
         fmt::format("cycle between {}: {} -> {}", what, fmt::join(cycle, " -> "), cycle.front())});
  }
}

}  // namespace

Findings check_include_cycles(const SourceTree& tree, const House& house) {
  Graph files;
  Graph rooms;
  for (const SourceFile& file : tree.files()) {
    if (!file.is_cpp() || file.is_test()) continue;
    const Room* from = house.room_of(tree, file);
    for (const Include& include : includes_of(tree, file)) {
      if (include.target == nullptr) continue;
      files[file.path].insert(include.target->path);
      const Room* to = house.room_of(tree, *include.target);
      if (from != nullptr && to != nullptr && from != to) rooms[from->name].insert(to->name);
    }
  }
  Findings findings;
  report("files", files, findings);
  report("rooms", rooms, findings);
  return findings;
}

}  // namespace minidocker::lint
