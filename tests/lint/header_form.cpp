#include "header_form.hpp"

#include <string>

namespace minidocker::lint {

Findings check_header_form(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.is_header()) continue;
    if (file.views.code.find("#pragma once") == std::string::npos) {
      findings.push_back({file.path, 1, "no #pragma once"});
    }
    if (file.views.comments.find("\\file") == std::string::npos) {
      findings.push_back(
          {file.path, 1, "no `/// \\file` comment that says what the header is for"});
    }
  }
  return findings;
}

}  // namespace minidocker::lint
