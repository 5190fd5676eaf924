#pragma once
/// \file
/// One CLI11 parser, with docker's words for what is wrong. A template, so that only *_main.cpp
/// files have to know CLI11.

#include <algorithm>
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

/// Throws in docker's words: `word` ends in a flag that takes a value, and nothing follows.
[[noreturn]] inline void refuse_missing_value(const std::string& word) {
  if (word[1] == '-') throw UsageError("flag needs an argument: " + word);
  throw UsageError(std::string("flag needs an argument: '") + word.back() + "' in " + word);
}

/// pflag's two spellings that CLI11 does not know, as it knows them: `-x=VALUE` is `-xVALUE`, and
/// `--flag=` is the flag and an empty word. From the first word on that is no flag, nor a flag's
/// value, all stays as it is. `takes_value` says whether a flag, "-x" or "--flag", has one.
template <class TakesValue>
std::vector<std::string> as_cli11_spells(const std::vector<std::string>& args,
                                         TakesValue takes_value) {
  std::vector<std::string> words;
  auto arg = args.begin();
  for (; arg != args.end() && arg->size() > 1 && arg->front() == '-' && *arg != "--"; ++arg) {
    const bool is_long = (*arg)[1] == '-';
    const std::size_t equals = arg->find('=');
    if (is_long && equals != std::string::npos) {
      words.push_back(equals + 1 == arg->size() ? arg->substr(0, equals) : *arg);
      if (equals + 1 == arg->size()) words.emplace_back();
      continue;
    }
    // Of short flags in one word the first that takes a value takes the rest.
    std::size_t taker = 1;
    while (!is_long && taker < arg->size() && !takes_value(std::string("-") + (*arg)[taker])) {
      ++taker;
    }
    std::string word = *arg;
    if (!is_long && taker + 1 < word.size() && word[taker + 1] == '=') {
      word.erase(taker + 1, 1);
      words.push_back(word);
      if (taker + 1 == word.size()) words.emplace_back();  // `-x=`
      continue;
    }
    words.push_back(word);
    if (is_long ? !takes_value(*arg) : taker + 1 != arg->size()) continue;
    if (arg + 1 == args.end()) refuse_missing_value(word);
    words.push_back(*++arg);
  }
  words.insert(words.end(), arg, args.end());
  return words;
}

/// A flag that may be given several times, each time with one value.
template <class App>
void add_list(App& app, const std::string& flags, std::vector<std::string>& words,
              const std::string& help) {
  app.add_option(flags, words, help)->expected(1)->allow_extra_args(false)->take_all();
}

/// Does this word, as it stands there, need the next one as its value?
template <class TakesValue>
bool wants_next(const std::string& word, TakesValue takes_value) {
  if (word[1] == '-') return word.find('=') == std::string::npos && takes_value(word);
  for (std::size_t at = 1; at < word.size(); ++at) {
    // Of short flags in one word the first that takes a value takes the rest.
    if (takes_value(std::string("-") + word[at])) return at + 1 == word.size();
  }
  return false;
}

/// Parses `args` and returns the words from the first one on that is no flag. `App` is a CLI::App
/// with its flags declared. Throws UsageError, HelpWanted.
template <class App>
std::vector<std::string> parse_words(App& app, const std::vector<std::string>& args) {
  bool wants_help = false;
  app.set_help_flag("");  // CLI11's own would take -h, which is the host name
  app.add_flag("--help", wants_help, "print this");
  app.prefix_command();
  const auto takes_value = [&app](const std::string& flag) {
    const auto* option = app.get_option_no_throw(flag);
    return option != nullptr && option->get_expected_min() > 0;
  };
  std::vector<std::string> words = as_cli11_spells(args, takes_value);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const UsageError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw UsageError(error.what());
  }
  std::vector<std::string> rest = app.remaining();
  if (!rest.empty()) refuse_unknown_flag(rest.front());
  if (wants_help) throw HelpWanted{app.help()};
  if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
  return rest;
}

/// Like parse_words, but flags may stand after the other words, too: for commands whose words are
/// names, not somebody's command line.
template <class App>
std::vector<std::string> parse_names(App& app, const std::vector<std::string>& args) {
  std::vector<std::string> flags;
  std::vector<std::string> names{"--"};
  const auto takes_value = [&app](const std::string& flag) {
    const auto* option = app.get_option_no_throw(flag);
    return option != nullptr && option->get_expected_min() > 0;
  };
  for (auto arg = args.begin(); arg != args.end(); ++arg) {
    if (*arg == "--") {
      names.insert(names.end(), arg + 1, args.end());
      break;
    }
    const bool is_flag = arg->size() > 1 && arg->front() == '-';
    (is_flag ? flags : names).push_back(*arg);
    if (!is_flag || !wants_next(*arg, takes_value)) continue;
    if (arg + 1 == args.end()) refuse_missing_value(*arg);
    flags.push_back(*++arg);
  }
  flags.insert(flags.end(), names.begin(), names.end());
  return parse_words(app, flags);
}

}  // namespace minidocker::cli
