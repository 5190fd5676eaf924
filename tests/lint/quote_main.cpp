// quote [--write] DIR: says which quotes in the Markdown files of the repository DIR differ from
// what they quote; --write fills them anew. Exit code 1 if a difference or a missing source is
// left.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "quotes.hpp"

namespace {

using minidocker::lint::Findings;
using minidocker::lint::SourceFile;
using minidocker::lint::SourceTree;

int check(const SourceTree& tree) {
  const Findings findings = minidocker::lint::check_quotes(tree);
  fmt::print("{}", minidocker::lint::to_text(findings));
  return findings.empty() ? 0 : 1;
}

int write(const SourceTree& tree, const std::filesystem::path& root) {
  Findings findings;
  for (const SourceFile& page : tree.files()) {
    if (!page.ends_with(".md")) continue;
    const std::string text = minidocker::lint::refreshed(tree, page, findings);
    if (text == page.text) continue;
    std::ofstream(root / page.path, std::ios::binary) << text;
    fmt::print("refreshed {}\n", page.path);
  }
  fmt::print("{}", minidocker::lint::to_text(findings));
  return findings.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool writing = argc == 3 && std::string_view(argv[1]) == "--write";
  if (argc != 2 && !writing) {
    fmt::print(stderr, "usage: quote [--write] DIR\n");
    return 2;
  }
  try {
    const std::filesystem::path root = argv[argc - 1];
    const SourceTree tree = SourceTree::load(root);
    return writing ? write(tree, root) : check(tree);
  } catch (const std::exception& error) {
    fmt::print(stderr, "quote: {}\n", error.what());
    return 1;
  }
}
