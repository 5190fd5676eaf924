#include "flag_parser.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "usage_error.hpp"

namespace minidocker::cli {
namespace {

using Words = std::vector<std::string>;

// Throws in docker's words if `word`, left over by the parser, is a flag nobody knows.
void refuse_unknown_flag(const std::string& word) {
  if (word.size() < 2 || word[0] != '-' || word == "--") return;
  if (word[1] == '-') {
    throw UsageError("unknown flag: " + word.substr(0, word.find('=')));
  }
  throw UsageError(std::string("unknown shorthand flag: '") + word[1] + "' in " + word);
}

// `word` ends in a flag that takes a value, and nothing follows.
[[noreturn]] void refuse_missing_value(const std::string& word) {
  if (word[1] == '-') throw UsageError("flag needs an argument: " + word);
  throw UsageError(std::string("flag needs an argument: '") + word.back() + "' in " + word);
}

bool is_flag(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

}  // namespace

FlagParser::FlagParser(const std::string& what, const std::string& command)
    : app_(std::make_unique<CLI::App>(what, command)) {
  app_->set_help_flag("");  // CLI11's own would take -h, which is the host name
}

FlagParser::~FlagParser() = default;

void FlagParser::add_switch(const std::string& flags, bool& value, const std::string& help) {
  app_->add_flag(flags, value, help);
}

void FlagParser::add_list(const std::string& flags, Words& values, const std::string& help) {
  app_->add_option(flags, values, help)->expected(1)->allow_extra_args(false)->take_all();
}

void FlagParser::add_optional_value(const std::string& flag, std::string& value,
                                    const std::string& given_alone) {
  app_->add_flag(flag + "{" + given_alone + "}", value);
}

void FlagParser::add_refused(const std::string& flags, FlagKind kind,
                             std::function<void()> refuse) {
  if (kind == FlagKind::alone) {
    app_->add_flag_callback(flags, std::move(refuse))->group("");
    return;
  }
  app_->add_option_function<Words>(flags, [refuse = std::move(refuse)](const Words&) { refuse(); })
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all()
      ->group("");
}

bool FlagParser::takes_value(const std::string& flag) const {
  const CLI::Option* option = app_->get_option_no_throw(flag);
  return option != nullptr && option->get_expected_min() > 0;
}

// Does this word, as it stands there, need the next one as its value?
bool FlagParser::wants_next(const std::string& word) const {
  if (word[1] == '-') return word.find('=') == std::string::npos && takes_value(word);
  for (std::size_t at = 1; at < word.size(); ++at) {
    // Of short flags in one word the first that takes a value takes the rest.
    if (takes_value(std::string("-") + word[at])) return at + 1 == word.size();
  }
  return false;
}

// pflag's two spellings that CLI11 does not know, as it knows them: `-x=VALUE` is `-xVALUE`, and
// `--flag=` is the flag and an empty word. From the first word on that is no flag, nor a flag's
// value, all stays as it is.
Words FlagParser::respelled(const Words& args) const {
  Words words;
  auto arg = args.begin();
  for (; arg != args.end() && is_flag(*arg) && *arg != "--"; ++arg) {
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

Words FlagParser::parse_words(const Words& args) {
  bool wants_help = false;
  app_->add_flag("--help", wants_help, "print this");
  app_->prefix_command();
  Words words = respelled(args);
  std::reverse(words.begin(), words.end());
  try {
    app_->parse(words);
  } catch (const UsageError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw UsageError(error.what());
  }
  Words rest = app_->remaining();
  if (!rest.empty()) refuse_unknown_flag(rest.front());
  if (wants_help) throw HelpWanted{app_->help()};
  if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
  return rest;
}

Words FlagParser::parse_names(const Words& args) {
  Words flags;
  Words names{"--"};
  for (auto arg = args.begin(); arg != args.end(); ++arg) {
    if (*arg == "--") {
      names.insert(names.end(), arg + 1, args.end());
      break;
    }
    (is_flag(*arg) ? flags : names).push_back(*arg);
    if (!is_flag(*arg) || !wants_next(*arg)) continue;
    if (arg + 1 == args.end()) refuse_missing_value(*arg);
    flags.push_back(*++arg);
  }
  flags.insert(flags.end(), names.begin(), names.end());
  return parse_words(flags);
}

}  // namespace minidocker::cli
