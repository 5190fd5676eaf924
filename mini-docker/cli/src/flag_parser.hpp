#pragma once
/// \file
/// The flags of one command, in docker's spellings and with docker's words for what is wrong. Only
/// the .cpp knows the library behind it, which takes long to compile.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace minidocker::cli {

/// Somebody asked for --help.
struct HelpWanted {
  std::string text;  ///< what to print
};

/// Does a flag stand alone, or take a value?
enum class FlagKind : std::uint8_t { alone, with_value };

/// Declare the flags, each "-x,--long" or one of the two, then parse. What is bound must outlive
/// the parsing.
class FlagParser {
 public:
  /// `what` the `command` does is for --help.
  explicit FlagParser(const std::string& what = "", const std::string& command = "");
  ~FlagParser();
  FlagParser(FlagParser&&) = delete;

  /// `value` is true if the flag is given, or what `--flag=true|false` says.
  void add_switch(const std::string& flags, bool& value, const std::string& help);
  /// May be given several times, each time with one value.
  void add_list(const std::string& flags, std::vector<std::string>& values,
                const std::string& help);
  /// May be given alone, which means `given_alone`, or as `--flag=VALUE`.
  void add_optional_value(const std::string& flag, std::string& value,
                          const std::string& given_alone);
  /// Calls `refuse`, which throws, if the flag is given. Not told in --help.
  void add_refused(const std::string& flags, FlagKind kind, std::function<void()> refuse);

  /// The words from the first one on that is no flag. Throws UsageError, HelpWanted.
  [[nodiscard]] std::vector<std::string> parse_words(const std::vector<std::string>& args);
  /// The same, but flags may stand after the other words, too: for commands whose words are names,
  /// not somebody's command line.
  [[nodiscard]] std::vector<std::string> parse_names(const std::vector<std::string>& args);

 private:
  [[nodiscard]] bool takes_value(const std::string& flag) const;
  [[nodiscard]] bool wants_next(const std::string& word) const;
  [[nodiscard]] std::vector<std::string> respelled(const std::vector<std::string>& args) const;

  std::unique_ptr<CLI::App> app_;
};

}  // namespace minidocker::cli
