#include "close_on_exec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calls.hpp"
#include "functions.hpp"

namespace minidocker::lint {
namespace {

// Each takes a flag whose name ends in CLOEXEC. Not here: pidfd_open and pidfd_getfd, which always
// set it, and dup3, whose use is to pass a descriptor on.
constexpr std::string_view kWithFlag[] = {
    "accept4",  "epoll_create1", "eventfd",         "fanotify_init",  "fsmount",      "fsopen",
    "fspick",   "inotify_init1", "memfd_create",    "mkostemp",       "open",         "open_tree",
    "openat",   "openat2",       "perf_event_open", "pipe2",          "posix_openpt", "recvmsg",
    "signalfd", "socket",        "socketpair",      "timerfd_create", "userfaultfd"};

// Each has a form with a flag; these have none.
constexpr std::string_view kWithout[] = {"accept", "creat",        "dup",     "epoll_create",
                                         "fopen",  "inotify_init", "mkstemp", "pipe"};

// What takes the number of a call and makes it.
constexpr std::string_view kByNumber[] = {"syscall", "invoke", "invoke_again"};

constexpr std::string_view kOnPurpose = "lint: inherited";

bool has_flag(std::string_view code) { return code.find("CLOEXEC") != std::string_view::npos; }

class Checker {
 public:
  Checker(const SourceFile& file, Findings& findings)
      : file_(file),
        code_(file.views.code),
        definitions_(find_definitions(code_)),
        findings_(findings) {}

  void run() {
    for (const std::string_view name : kWithFlag) {
      for (const std::size_t at : raw_uses(name)) {
        if (!says_so(at, name)) report(at, fmt::format("{} without its CLOEXEC flag", name));
      }
    }
    for (const std::string_view name : kWithout) {
      for (const std::size_t at : raw_uses(name)) {
        report(at, fmt::format("{} cannot make a close-on-exec descriptor: use the form with "
                               "flags",
                               name));
      }
    }
  }

 private:
  // Raw: into the global namespace or by number. `open(` alone counts unless the file has its own.
  std::vector<std::size_t> raw_uses(std::string_view name) const {
    std::vector<std::size_t> uses = find_word(code_, fmt::format("SYS_{}", name));
    std::erase_if(uses, [this](std::size_t at) { return !is_called(at); });
    const bool own = declares(code_, name);
    for (const Call& call : find_calls(code_, name)) {
      if (call.qualifier == "::" || (call.qualifier.empty() && !own)) uses.push_back(call.offset);
    }
    // A wrapper may hand the function itself on: trace(::open, path, flags).
    for (const std::size_t at : find_word(code_, name)) {
      const bool global =
          at >= 2 && code_.substr(at - 2, 2) == "::" && (at == 2 || !is_word(code_[at - 3]));
      if (global && std::ranges::find(uses, at) == uses.end()) uses.push_back(at);
    }
    return uses;
  }

  // `syscall(SYS_socket` makes one; `unless_equal(SYS_socket)` of a seccomp filter does not.
  [[nodiscard]] bool is_called(std::size_t number) const {
    return std::ranges::any_of(kByNumber, [&](std::string_view caller) {
      return code_.substr(0, number).ends_with(fmt::format("{}(", caller));
    });
  }

  // The arguments where there are some, else the whole function around it.
  [[nodiscard]] bool says_so(std::size_t at, std::string_view name) const {
    const bool is_number = code_.substr(at).starts_with("SYS_");
    const std::size_t open = is_number ? at - 1 : at + name.size();
    if (open < code_.size() && code_[open] == '(' &&
        has_flag(code_.substr(open, closing(code_, open) - open))) {
      return true;
    }
    if (!file_.starts_with("chapters/00-toolbox/src/sys/")) return false;
    return std::ranges::any_of(definitions_, [&](const Definition& d) {
      return d.kind == Kind::function && d.open < at && at < d.close &&
             has_flag(code_.substr(d.open, d.close - d.open));
    });
  }

  // A test that leaks a descriptor on purpose says so on the line of the call.
  [[nodiscard]] bool is_on_purpose(std::size_t offset) const {
    const std::size_t end = file_.text.find('\n', offset);
    return std::string_view(file_.views.comments).substr(offset, end - offset).find(kOnPurpose) !=
           std::string_view::npos;
  }

  void report(std::size_t offset, std::string message) const {
    if (is_on_purpose(offset)) return;
    findings_.push_back({file_.path, line_of(file_.text, offset), std::move(message)});
  }

  const SourceFile& file_;
  std::string_view code_;
  std::vector<Definition> definitions_;
  Findings& findings_;
};

}  // namespace

Findings check_close_on_exec(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (file.is_cpp()) Checker(file, findings).run();
  }
  return findings;
}

}  // namespace minidocker::lint
