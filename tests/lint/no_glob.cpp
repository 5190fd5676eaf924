#include "no_glob.hpp"

#include <string>
#include <string_view>

namespace minidocker::lint {

Findings check_no_glob(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.ends_with("CMakeLists.txt") && !file.ends_with(".cmake")) continue;
    std::size_t number = 0;
    for (const std::string_view line : lines_of(file.text)) {
      ++number;
      const std::string code(line.substr(0, line.find('#')));
      if (!find_word(code, "GLOB").empty() || !find_word(code, "GLOB_RECURSE").empty() ||
          !find_word(code, "aux_source_directory").empty()) {
        findings.push_back({file.path, number, "list the files by name"});
      }
    }
  }
  return findings;
}

}  // namespace minidocker::lint
