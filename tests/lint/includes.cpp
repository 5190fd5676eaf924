#include "includes.hpp"

#include <filesystem>
#include <string_view>

namespace minidocker::lint {
namespace {

constexpr std::string_view kOurs = "minidocker/";

const SourceFile* find_ours(const SourceTree& tree, const std::string& name) {
  const std::string end = "/include/" + name;
  for (const SourceFile& file : tree.files()) {
    if (file.ends_with(end)) return &file;
  }
  return nullptr;
}

// A private header: in the file's directory, in one above it that the build adds to the path, or
// in the src/ of one above it, which a room's own tests may look into.
const SourceFile* find_beside(const SourceTree& tree, const SourceFile& file,
                              const std::string& name) {
  std::filesystem::path directory = file.path;
  do {
    directory = directory.parent_path();
    for (const std::filesystem::path& place : {directory, directory / "src"}) {
      const std::string path = (place / name).lexically_normal().string();
      if (const SourceFile* found = tree.find(path)) return found;
    }
  } while (!directory.empty());
  return nullptr;
}

}  // namespace

std::vector<Include> includes_of(const SourceTree& tree, const SourceFile& file) {
  std::vector<Include> includes;
  // A line counts when the code view has it (not a comment, not inside a raw string); the name is
  // read from the text, because the view blanks quoted names.
  const auto text = lines_of(file.text);
  const auto code = lines_of(file.views.code);
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (!trimmed(code[i]).starts_with("#include")) continue;
    const std::size_t open = text[i].find_first_of("\"<");
    if (open == std::string_view::npos) continue;
    const bool quoted = text[i][open] == '"';
    const std::size_t close = text[i].find(quoted ? '"' : '>', open + 1);
    if (close == std::string_view::npos) continue;
    const std::string name(text[i].substr(open + 1, close - open - 1));
    const SourceFile* target = !quoted                   ? nullptr
                               : name.starts_with(kOurs) ? find_ours(tree, name)
                                                         : find_beside(tree, file, name);
    includes.push_back({name, quoted, i + 1, target});
  }
  return includes;
}

std::string header_room(const std::string& include_name) {
  if (!include_name.starts_with(kOurs)) return {};
  const std::string rest = include_name.substr(kOurs.size());
  return rest.substr(0, rest.find('/'));
}

}  // namespace minidocker::lint
