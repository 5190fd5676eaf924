#include "nolint_reasons.hpp"

#include <regex>
#include <string>
#include <string_view>

namespace minidocker::lint {
namespace {

const std::regex& wanted_form() {
  static const std::regex form(R"(NOLINT(NEXTLINE|BEGIN)?\([a-z][^)]*\): *\S.{7,})");
  return form;
}

}  // namespace

Findings check_nolint_reasons(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    std::size_t number = 0;
    for (const std::string_view line : lines_of(file.views.comments)) {
      ++number;
      const std::string text(line);
      if (text.find("NOLINT") == std::string::npos ||
          text.find("NOLINTEND(") != std::string::npos ||
          file.path.find("nolint_reasons") != std::string::npos) {
        continue;
      }
      if (!std::regex_search(text, wanted_form())) {
        findings.push_back({file.path, number, "write NOLINT(check): reason"});
      }
    }
  }
  return findings;
}

}  // namespace minidocker::lint
