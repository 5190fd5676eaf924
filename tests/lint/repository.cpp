#include "repository.hpp"

#include <stdexcept>
#include <string>

namespace minidocker::lint {

const SourceTree& repository() {
  static const SourceTree tree = SourceTree::load(MD_SOURCE_DIR);
  return tree;
}

const House& repository_house() {
  static const House house = [] {
    const SourceFile* page = repository().find("docs/architecture.md");
    if (page == nullptr) throw std::runtime_error("there is no docs/architecture.md");
    return House::parse(page->text);
  }();
  return house;
}

std::string messages_of(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) text += finding.message + "\n";
  return text;
}

}  // namespace minidocker::lint
