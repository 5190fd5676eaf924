#include "finding.hpp"

#include <fmt/format.h>

namespace minidocker::lint {

std::string to_text(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}:{}: {}\n", finding.path, finding.line, finding.message);
  }
  return text;
}

}  // namespace minidocker::lint
