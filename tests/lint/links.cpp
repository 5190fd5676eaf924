#include "links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "markdown.hpp"

namespace minidocker::lint {
namespace {

bool is_outside(const std::string& target) {
  return target.find("://") != std::string::npos || target.starts_with("mailto:");
}

// Empty if the link is good.
std::string fault_of(const SourceTree& tree, const SourceFile& page, const std::string& target) {
  const std::size_t hash = target.find('#');
  std::string path = page.path;
  if (hash != 0) {
    const auto beside = std::filesystem::path(page.path).parent_path() / target.substr(0, hash);
    path = beside.lexically_normal().string();
    while (path.ends_with('/')) path.pop_back();
    if (path == ".") path.clear();
    if (path.starts_with("..")) return "leads out of the repository";
    if (!tree.exists(path)) return "leads to no file: " + path;
  }
  const SourceFile* file = tree.find(path);
  if (hash == std::string::npos || file == nullptr || !file->ends_with(".md")) return {};
  const std::vector<std::string> anchors = anchors_of(file->text);
  if (std::ranges::find(anchors, target.substr(hash + 1)) != anchors.end()) return {};
  return "names no heading of " + path;
}

std::set<std::string> targets_of(const SourceFile& makefile) {
  static const std::regex rule(R"(^([a-zA-Z][\w-]*( [a-zA-Z][\w-]*)*):([^=]|$))");
  std::set<std::string> targets;
  for (const std::string_view line : lines_of(makefile.text)) {
    std::smatch match;
    const std::string text(line);
    if (std::regex_search(text, match, rule)) targets.insert(match[1]);
  }
  return targets;
}

}  // namespace

Findings check_links(const SourceTree& tree) {
  static const std::regex link(R"(\]\(<?([^)\s>]+)>?( "[^"]*")?\))");
  Findings findings;
  for (const SourceFile& page : tree.files()) {
    if (!page.ends_with(".md")) continue;
    const std::string prose = prose_of(page.text);
    for (std::sregex_iterator at(prose.begin(), prose.end(), link), end; at != end; ++at) {
      const std::string target = (*at)[1];
      if (is_outside(target)) continue;
      if (const std::string fault = fault_of(tree, page, target); !fault.empty()) {
        findings.push_back({page.path, line_of(prose, static_cast<std::size_t>(at->position())),
                            fmt::format("link ({}) {}", target, fault)});
      }
    }
  }
  return findings;
}

Findings check_make_targets(const SourceTree& tree) {
  // In code only (a span or a block): "make sure" in a sentence is no target.
  static const std::regex named(R"((^|`|\$ |# |&& |\n)make ((?:[A-Z_]+=\S+ )*)([a-z][\w-]*))");
  Findings findings;
  const SourceFile* makefile = tree.find("Makefile");
  if (makefile == nullptr) return {{"Makefile", 0, "there is none"}};
  const std::set<std::string> targets = targets_of(*makefile);
  for (const SourceFile& page : tree.files()) {
    if (!page.ends_with(".md")) continue;
    const std::string prose = prose_of(page.text);
    for (std::sregex_iterator at(page.text.begin(), page.text.end(), named), end; at != end; ++at) {
      const auto offset = static_cast<std::size_t>(at->position(3));
      if (prose[offset] != ' ' || targets.contains((*at)[3])) continue;
      findings.push_back({page.path, line_of(page.text, offset),
                          fmt::format("the Makefile has no target {}", (*at)[3].str())});
    }
  }
  return findings;
}

}  // namespace minidocker::lint
