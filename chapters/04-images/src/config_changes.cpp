#include "minidocker/images/config_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::images {

namespace {

using nlohmann::json;

/// One instruction and what follows it.
struct Line {
  std::string text;         // the whole line
  std::string instruction;  // in capitals
  std::string rest;         // without blanks around it

  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(ErrorKind::invalid_argument, fmt::format("change {}: {}", quoted(text), why));
  }
};

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

Line parse_line(const std::string& text) {
  Line line{trimmed(text), {}, {}};
  const std::size_t end = std::min(line.text.find_first_of(" \t"), line.text.size());
  std::ranges::transform(line.text.substr(0, end), std::back_inserter(line.instruction),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  line.rest = trimmed(std::string_view(line.text).substr(end));
  if (line.rest.empty()) line.refuse("it requires at least one argument");
  return line;
}

/// Words as a shell would see them, without their quotes.
class Words {
 public:
  explicit Words(const Line& line) : line_(line) {}

  std::vector<std::string> split() {
    for (at_ = 0; at_ < line_.rest.size(); ++at_) take(line_.rest[at_]);
    if (quote_ != '\0') line_.refuse("a quote is not closed");
    end_word();
    return std::move(words_);
  }

 private:
  void take(char c) {
    const bool is_blank = c == ' ' || c == '\t';
    if (c == quote_ && quote_ != '\0') {
      quote_ = '\0';
    } else if (quote_ == '\0' && (c == '"' || c == '\'')) {
      quote_ = c;
      begun_ = true;
    } else if (quote_ == '\0' && is_blank) {
      end_word();
    } else {
      add(c);
    }
  }
  void add(char c) {
    if (c == '$' && quote_ != '\'') line_.refuse("variables are not expanded here: write \\$");
    if (c == '\\' && quote_ != '\'' && at_ + 1 < line_.rest.size()) c = line_.rest[++at_];
    word_ += c;
    begun_ = true;
  }
  void end_word() {
    if (begun_) words_.push_back(std::exchange(word_, {}));
    begun_ = false;
  }

  const Line& line_;
  std::size_t at_ = 0;
  char quote_ = '\0';
  bool begun_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

/// `["a", "b"]`; nothing if it is no such list.
json list_of(const Line& line) {
  json list = json::parse(line.rest, nullptr, /*allow_exceptions=*/false);
  const bool is_list = list.is_array() && std::ranges::all_of(list, [](const json& element) {
                         return element.is_string();
                       });
  return is_list ? list : json();
}

/// A list, or a line for the shell.
json command_of(const Line& line) {
  json list = list_of(line);
  return list.is_null() ? json{"/bin/sh", "-c", line.rest} : list;
}

std::vector<std::string> words_of(const Line& line) {
  const json list = list_of(line);
  return list.is_null() ? Words(line).split() : list.get<std::vector<std::string>>();
}

/// `K=V K2="V 2"`, or the old form `K V`, whose value reaches to the end of the line.
std::vector<std::pair<std::string, std::string>> pairs_of(const Line& line) {
  const std::vector<std::string> words = Words(line).split();
  std::vector<std::pair<std::string, std::string>> pairs;
  if (words.front().find('=') == std::string::npos) {
    if (words.size() < 2) line.refuse("it must have two arguments");
    return {{words.front(), trimmed(line.rest.substr(words.front().size()))}};
  }
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) line.refuse("its words are KEY=VALUE");
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

void set_env(const Line& line, json& config) {
  json& env = config["Env"];
  if (!env.is_array()) env = json::array();
  for (const auto& [key, value] : pairs_of(line)) {
    const std::string begin = key + "=";
    const auto same = std::ranges::find_if(env, [&begin](const json& each) {
      return each.is_string() && each.get<std::string>().starts_with(begin);
    });
    if (same != env.end()) {
      *same = begin + value;
    } else {
      env.push_back(begin + value);
    }
  }
}

void set_labels(const Line& line, json& config) {
  for (const auto& [key, value] : pairs_of(line)) config["Labels"][key] = value;
}

/// `80`, `53/udp`, `8000-8010/tcp`: each port by itself.
void expose(const Line& line, json& config) {
  for (const std::string& word : words_of(line)) {
    const std::size_t slash = std::min(word.find('/'), word.size());
    const std::string_view ports = std::string_view(word).substr(0, slash);
    const std::string protocol = slash == word.size() ? "tcp" : word.substr(slash + 1);
    const bool is_known = protocol == "tcp" || protocol == "udp" || protocol == "sctp";
    const std::size_t dash = std::min(ports.find('-'), ports.size());
    const auto first = parse_number<std::uint16_t>(ports.substr(0, dash));
    const auto last =
        dash == ports.size() ? first : parse_number<std::uint16_t>(ports.substr(dash + 1));
    if (!is_known || !first || !last || *last < *first) {
      line.refuse("its words are PORT[-PORT][/tcp|udp|sctp]");
    }
    for (unsigned port = *first; port <= *last; ++port) {
      config["ExposedPorts"][fmt::format("{}/{}", port, protocol)] = json::object();
    }
  }
}

void add_volumes(const Line& line, json& config) {
  for (const std::string& path : words_of(line)) config["Volumes"][path] = json::object();
}

std::string one_word(const Line& line) {
  const std::vector<std::string> words = Words(line).split();
  if (words.size() != 1) line.refuse("it requires exactly one argument");
  return words.front();
}

/// Relative to what was said before.
void set_working_dir(const Line& line, json& config) {
  std::string directory = one_word(line);
  if (!directory.starts_with('/')) {
    directory = string_member(config, "WorkingDir", "config") + "/" + directory;
  }
  config["WorkingDir"] = directory;
}

void change(const Line& line, json& config) {
  if (line.instruction == "CMD") {
    config["Cmd"] = command_of(line);
  } else if (line.instruction == "ENTRYPOINT") {
    config["Entrypoint"] = command_of(line);
  } else if (line.instruction == "ENV") {
    set_env(line, config);
  } else if (line.instruction == "EXPOSE") {
    expose(line, config);
  } else if (line.instruction == "LABEL") {
    set_labels(line, config);
  } else if (line.instruction == "ONBUILD") {
    config["OnBuild"].push_back(line.rest);
  } else if (line.instruction == "STOPSIGNAL") {
    config["StopSignal"] = one_word(line);
  } else if (line.instruction == "USER") {
    config["User"] = one_word(line);
  } else if (line.instruction == "VOLUME") {
    add_volumes(line, config);
  } else if (line.instruction == "WORKDIR") {
    set_working_dir(line, config);
  } else {
    line.refuse(line.instruction == "HEALTHCHECK" ? "health checks are not run, so none is set"
                                                  : "it is not a valid change command");
  }
}

}  // namespace

std::string change_config(std::string_view config, std::string_view instructions) {
  json changed = parse_document(config, "config");
  std::istringstream lines{std::string(instructions)};
  for (std::string text; std::getline(lines, text);) {
    if (!trimmed(text).empty()) change(parse_line(text), changed);
  }
  return changed.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace minidocker::images
