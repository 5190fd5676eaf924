#include "narrated_calls.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

/// How an argument is compared.
enum class Kind {
  text,     ///< a string or NULL
  names,    ///< flags or a descriptor: names, sorted
  number,   ///< in decimal
  clone,    ///< struct clone_args: its flags
  setattr,  ///< struct mount_attr: what is set and cleared
};
using enum Kind;

const std::map<std::string_view, std::vector<Kind>>& listed() {
  static const std::map<std::string_view, std::vector<Kind>> kListed{
      {"clone", {}},
      {"clone3", {clone}},
      {"unshare", {names}},
      {"setns", {number, names}},
      {"mount", {text, text, text, names, text}},
      {"umount2", {text, names}},
      {"mount_setattr", {names, text, names, setattr}},
      {"open_tree", {names, text, names}},
      {"move_mount", {names, text, names, text, names}},
      {"fsopen", {text, names}},
      {"fsconfig", {number, names, text}},
      {"fsmount", {number, names, names}},
      {"pivot_root", {text, text}},
      {"chroot", {text}},
      {"prctl", {names, number}},
      {"capset", {}},
      {"seccomp", {names}},
      {"bpf", {names}},
      {"setuid", {number}},
      {"setgid", {number}},
      {"setresuid", {number, number, number}},
      {"setresgid", {number, number, number}},
      {"setgroups", {number}},
      {"sethostname", {text, number}},
      {"setdomainname", {text, number}},
      {"execve", {text}},
      {"mkdir", {text, number}},
      {"mkdirat", {names, text, number}},
      {"mknod", {text}},
      {"mknodat", {names, text}},
      {"symlink", {text, text}},
      {"symlinkat", {text, names, text}},
      {"open", {text, names}},
      {"openat", {names, text, names}},
      {"openat2", {names, text}},
  };
  return kListed;
}

/// A word without the quotes that a name may stand in.
std::string_view unquoted(std::string_view word) {
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    word = word.substr(1, word.size() - 2);
  }
  return word;
}

/// A number in decimal, what is none as it is; prctl's sub-options have names on both sides.
std::string decimal(std::string_view word) {
  const std::string_view name = unquoted(names_of(word));
  if (name.starts_with("PR_")) return std::string(name);
  const std::string number(number_of(word));
  char* end = nullptr;
  const long long value = std::strtoll(number.c_str(), &end, 0);
  return *end == '\0' ? std::to_string(value) : number;
}

std::string normal(Kind kind, const std::string& word) {
  switch (kind) {
    case text:
      return word;
    case names:
      return normal_names(word);
    case number:
      return decimal(word);
    case clone:
      return normal_field(word, "flags");
    case setattr:
      return "set " + normal_field(word, "attr_set") + " clear " + normal_field(word, "attr_clr");
  }
  return word;
}

/// Opens count if they are for writing and lead into the kernel's own file systems.
bool is_counted(const TracedCall& call) {
  if (!call.name.starts_with("open") || call.name == "open_tree") return true;
  const std::size_t path = call.name == "open" ? 0 : 1;
  if (call.args.size() < path + 2) return false;
  const std::string& flags = call.args[path + 1];
  const bool writes =
      flags.find("O_WRONLY") != std::string::npos || flags.find("O_RDWR") != std::string::npos;
  const std::string& where = call.args[path];
  return writes && (where.starts_with("\"/proc/") || where.starts_with("\"/sys/"));
}

std::optional<std::string> in_normal_form(const TracedCall& call) {
  const auto found = listed().find(call.name);
  if (found == listed().end() || !is_counted(call)) return std::nullopt;
  std::string form = call.name + "(";
  for (std::size_t i = 0; i < found->second.size(); ++i) {
    if (i > 0) form += ", ";
    form += i < call.args.size() ? normal(found->second[i], call.args[i]) : "-";
  }
  form += ")";
  return call.error.empty() ? form : form + " " + call.error;
}

}  // namespace

std::string normal_names(std::string_view word) {
  std::string_view rest = unquoted(names_of(word));
  std::vector<std::string> parts;
  while (!rest.empty()) {
    const std::size_t bar = rest.find('|');
    parts.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
  }
  std::sort(parts.begin(), parts.end());
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : "|") + part;
  return joined;
}

std::string normal_field(std::string_view structure, const std::string& name) {
  const std::size_t open = structure.find('{');
  const std::size_t close = structure.find('}');
  if (open == std::string_view::npos || close == std::string_view::npos) return "0";
  for (const std::string& part : split_args(structure.substr(open + 1, close - open - 1))) {
    if (part.starts_with(name + "=")) return normal_names(part.substr(name.size() + 1));
  }
  return "0";
}

CallSet narrated(const std::vector<TracedCall>& calls) {
  CallSet found;
  for (const TracedCall& call : calls) {
    const std::optional<std::string> form = in_normal_form(call);
    const char* who = call.pid == calls.front().pid ? "runtime " : "container ";
    if (form) found.insert(who + *form);
  }
  return found;
}

std::vector<TracedCall> of_our_program(const std::vector<TracedCall>& calls) {
  std::vector<TracedCall> ours;
  std::set<pid_t> other_programs;
  bool first = true;
  for (const TracedCall& call : calls) {
    if (first && call.name == "execve") {
      first = false;
      continue;
    }
    first = false;
    if (other_programs.contains(call.pid)) continue;
    ours.push_back(call);
    if (call.name == "execve" && call.error.empty()) other_programs.insert(call.pid);
  }
  return ours;
}

std::vector<TracedCall> parse_explain(const std::string& json_lines) {
  std::vector<TracedCall> calls;
  for (const std::string& line : lines_of(json_lines)) {
    const nlohmann::json event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_discarded()) throw std::runtime_error("not JSON: " + line);
    if (event.at("event") != "call") continue;
    TracedCall call;
    call.pid = event.at("pid");
    call.name = event.at("name");
    call.error = event.at("error");
    const std::string words = event.at("call");
    const std::size_t open = words.find('(');
    call.args = split_args(std::string_view(words).substr(open + 1, words.rfind(')') - open - 1));
    calls.push_back(std::move(call));
  }
  return calls;
}

std::string difference(const CallSet& strace, const CallSet& explain) {
  std::vector<std::string> untold;
  std::vector<std::string> invented;
  std::set_difference(strace.begin(), strace.end(), explain.begin(), explain.end(),
                      std::back_inserter(untold));
  std::set_difference(explain.begin(), explain.end(), strace.begin(), strace.end(),
                      std::back_inserter(invented));
  std::string lines;
  for (const std::string& call : untold) lines += "made, not told: " + call + "\n";
  for (const std::string& call : invented) lines += "told, not made: " + call + "\n";
  return lines;
}

}  // namespace minidocker::testing
