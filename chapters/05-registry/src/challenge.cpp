#include "minidocker/registry/challenge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ascii.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {

namespace {

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_token(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token68(char c) {
  return is_alnum(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}
bool is_blank(char c) { return c == ' ' || c == '\t'; }

[[noreturn]] void refuse(std::string_view value, std::string_view why) {
  throw Error(
      ErrorKind::invalid_argument,
      fmt::format("WWW-Authenticate {}: {}", minidocker::quoted(value.substr(0, 200)), why));
}

class Parser {
 public:
  explicit Parser(std::string_view value) : value_(value) {}

  std::vector<Challenge> run() {
    std::vector<Challenge> challenges;
    for (skip_commas(); !at_end(); skip_commas()) challenges.push_back(challenge());
    return challenges;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == value_.size(); }
  [[nodiscard]] bool sees(char c) const { return !at_end() && value_[at_] == c; }

  template <class Predicate>
  std::string_view take_while(Predicate predicate) {
    const std::size_t begin = at_;
    while (!at_end() && predicate(value_[at_])) ++at_;
    return value_.substr(begin, at_ - begin);
  }
  void skip_blanks() { take_while(is_blank); }
  void skip_commas() {
    take_while([](char c) { return is_blank(c) || c == ','; });
  }

  std::string token() {
    const std::string_view token = take_while(is_token);
    if (token.empty()) refuse(value_, fmt::format("a word is missing at byte {}", at_));
    return lower(token);
  }

  Challenge challenge() {
    Challenge challenge{token(), {}};
    skip_blanks();
    if (at_end() || sees(',') || skip_token68()) return challenge;
    const std::size_t first = at_;
    while (std::optional<std::string> name = parameter_name()) {
      if (!challenge.parameters.emplace(*name, parameter_value()).second) {
        refuse(value_, fmt::format("parameter {} is given twice", *name));
      }
      skip_blanks();
      if (!at_end() && !sees(','))
        refuse(value_, fmt::format("a comma is missing at byte {}", at_));
      skip_commas();
    }
    if (at_ == first) refuse(value_, fmt::format("a parameter is missing at byte {}", at_));
    return challenge;
  }

  // `Negotiate YIIJ...==`: one word that is no parameter, up to the comma.
  bool skip_token68() {
    const std::size_t begin = at_;
    if (!take_while(is_token68).empty()) {
      take_while([](char c) { return c == '='; });
      skip_blanks();
      if (at_end() || sees(',')) return true;
    }
    at_ = begin;
    return false;
  }

  // A word without `=` behind it is the scheme of the next challenge.
  std::optional<std::string> parameter_name() {
    const std::size_t begin = at_;
    const std::string_view name = take_while(is_token);
    skip_blanks();
    if (!name.empty() && sees('=')) {
      ++at_;
      skip_blanks();
      return lower(name);
    }
    at_ = begin;
    return std::nullopt;
  }

  std::string parameter_value() {
    if (!sees('"')) {
      const std::string_view value = take_while(is_token);
      if (value.empty()) refuse(value_, fmt::format("a value is missing at byte {}", at_));
      return std::string(value);
    }
    std::string value;
    for (++at_; !sees('"'); ++at_) {
      if (sees('\\')) ++at_;
      if (at_end()) refuse(value_, "a quote is not closed");
      value.push_back(value_[at_]);
    }
    ++at_;
    return value;
  }

  std::string_view value_;
  std::size_t at_ = 0;
};

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view value) {
  if (value.size() > kMaxChallenge) {
    refuse(value, fmt::format("{} bytes, more than {} are not read", value.size(), kMaxChallenge));
  }
  return Parser(value).run();
}

}  // namespace minidocker::registry
