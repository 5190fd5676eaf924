#include "quotes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "functions.hpp"
#include "markdown.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view kCode = "code: ";
constexpr std::string_view kTranscript = "transcript: ";

std::string without_indentation(std::string_view text) {
  std::size_t indentation = std::string_view::npos;
  for (const std::string_view line : lines_of(text)) {
    indentation = std::min(indentation, line.find_first_not_of(' '));
  }
  std::string out;
  for (const std::string_view line : lines_of(text)) {
    out += line.substr(std::min(indentation, line.size()));
    out += '\n';
  }
  return out;
}

std::string region(const SourceFile& file, std::string_view name) {
  const std::string begin_mark = fmt::format("// quote: {}\n", name);
  std::size_t begin = file.text.find(begin_mark);
  if (begin == std::string::npos) {
    throw std::runtime_error(fmt::format("{} has no line '// quote: {}'", file.path, name));
  }
  begin += begin_mark.size();
  const std::size_t end = file.text.find("// quote: end", begin);
  if (end == std::string::npos) {
    throw std::runtime_error(fmt::format("{}: region {} has no end", file.path, name));
  }
  return without_indentation(
      std::string_view(file.text).substr(begin, file.text.rfind('\n', end) + 1 - begin));
}

// From the line the head starts on to the end of the line of the closing brace.
std::string definition(const SourceFile& file, std::string_view name) {
  for (const Definition& d : find_definitions(file.views.code)) {
    if (!defines(d, name)) continue;
    const std::size_t begin = file.text.rfind('\n', d.begin) + 1;
    const std::size_t end = std::min(file.text.find('\n', d.close), file.text.size());
    return without_indentation(std::string_view(file.text).substr(begin, end - begin));
  }
  throw std::runtime_error(fmt::format("{} defines no {}", file.path, name));
}

std::string transcript(const SourceTree& tree, const SourceFile& page, std::string_view name) {
  const auto directory = std::filesystem::path(page.path).parent_path();
  const bool in_room = page.starts_with("chapters/") || page.starts_with("mini-docker/");
  const auto path = (in_room ? directory : "") / "tests/golden" / fmt::format("{}.txt", name);
  const SourceFile* golden = tree.find(path.string());
  if (golden == nullptr) throw std::runtime_error("there is no " + path.string());
  return golden->text;
}

// What the block has to hold; nothing if it quotes nothing.
bool wanted_text(const SourceTree& tree, const SourceFile& page, const FencedBlock& block,
                 std::string& wanted) {
  if (block.comment.starts_with(kCode)) {
    wanted = quoted_code(tree, block.comment.substr(kCode.size()));
  } else if (block.comment.starts_with(kTranscript)) {
    wanted = transcript(tree, page, block.comment.substr(kTranscript.size()));
  } else {
    return false;
  }
  return true;
}

bool is_cpp_block(const SourceFile& page, const FencedBlock& block) {
  const std::size_t fence = page.text.rfind("```", block.begin - 1);
  const std::string_view info = std::string_view(page.text).substr(fence, block.begin - fence);
  return info.starts_with("```cpp") || info.starts_with("```c++");
}

}  // namespace

std::string quoted_code(const SourceTree& tree, const std::string& spec) {
  const std::size_t blank = spec.find(' ');
  const SourceFile* file = tree.find(spec.substr(0, blank));
  if (file == nullptr) throw std::runtime_error("there is no file " + spec.substr(0, blank));
  if (blank == std::string::npos) throw std::runtime_error("no name after " + spec);
  const std::string name(trimmed(std::string_view(spec).substr(blank)));
  return name.starts_with('#') ? region(*file, name.substr(1)) : definition(*file, name);
}

std::string refreshed(const SourceTree& tree, const SourceFile& page, Findings& findings) {
  std::string text;
  std::size_t done = 0;
  for (const FencedBlock& block : fenced_blocks(page.text)) {
    try {
      std::string wanted;
      if (!wanted_text(tree, page, block, wanted)) continue;
      text += page.text.substr(done, block.begin - done) + wanted;
      done = block.end;
    } catch (const std::runtime_error& error) {
      findings.push_back({page.path, line_of(page.text, block.begin), error.what()});
    }
  }
  return text + page.text.substr(done);
}

Findings check_quotes(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& page : tree.files()) {
    if (!page.ends_with(".md")) continue;
    for (const FencedBlock& block : fenced_blocks(page.text)) {
      const std::size_t line = line_of(page.text, block.begin);
      try {
        std::string wanted;
        if (wanted_text(tree, page, block, wanted)) {
          if (page.text.substr(block.begin, block.end - block.begin) != wanted) {
            findings.push_back(
                {page.path, line,
                 fmt::format("differs from its source ({}): run make quote", block.comment)});
          }
        } else if (page.starts_with("chapters/") && is_cpp_block(page, block)) {
          findings.push_back({page.path, line,
                              "C++ typed by hand: quote compiled code (<!-- code: path name -->)"});
        }
      } catch (const std::runtime_error& error) {
        findings.push_back({page.path, line, error.what()});
      }
    }
  }
  return findings;
}

}  // namespace minidocker::lint
