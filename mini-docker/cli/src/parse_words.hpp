#pragma once
/// \file
/// One CLI11 parser, with docker's words for what is wrong. A template, so that only *_main.cpp
/// files have to know CLI11.

#include <stdexcept>
#include <string>
#include <vector>

#include "usage_error.hpp"

namespace minidocker::cli {

/// Somebody asked for --help.
struct HelpWanted {
  std::string text;  ///< what to print
};

/// Throws in docker's words if `word`, left over by a parser, is a flag nobody knows.
inline void refuse_unknown_flag(const std::string& word) {
  if (word.size() < 2 || word[0] != '-' || word == "--") return;
  if (word[1] == '-') {
    throw UsageError("unknown flag: " + word.substr(0, word.find('=')));
  }
  throw UsageError(std::string("unknown shorthand flag: '") + word[1] + "' in " + word);
}

/// Parses `args` and returns the words from the first one on that is no flag. `App` is a CLI::App
/// with its flags declared. Throws UsageError, HelpWanted.
template <class App>
std::vector<std::string> parse_words(App& app, const std::vector<std::string>& args) {
  bool wants_help = false;
  app.set_help_flag("");  // CLI11's own would take -h, which is the host name
  app.add_flag("--help", wants_help, "print this");
  app.prefix_command();
  std::vector<std::string> reversed(args.rbegin(), args.rend());
  try {
    app.parse(reversed);
  } catch (const UsageError&) {
    throw;
  } catch (const std::runtime_error& error) {
    if (!args.empty() && args.back().starts_with('-')) {
      throw UsageError("flag needs an argument: " + args.back());
    }
    throw UsageError(error.what());
  }
  std::vector<std::string> rest = app.remaining();
  if (!rest.empty()) refuse_unknown_flag(rest.front());
  if (wants_help) throw HelpWanted{app.help()};
  if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
  return rest;
}

/// docker and pflag take `--flag=` for an empty value; CLI11 would take the next word. Of the
/// words that parse_words() consumed, all but the last `rest`, the first such one is split in two.
/// Returns whether there was one.
[[nodiscard]] inline bool split_empty_value(std::vector<std::string>& args, std::size_t rest) {
  for (std::size_t i = 0; i + rest < args.size(); ++i) {
    if (!args[i].starts_with("--") || !args[i].ends_with('=')) continue;
    if (args[i].find('=') + 1 != args[i].size()) continue;
    args[i].pop_back();
    args.insert(args.begin() + static_cast<std::ptrdiff_t>(i) + 1, "");
    return true;
  }
  return false;
}

}  // namespace minidocker::cli
