#include "prompt.hpp"

#include <termios.h>
#include <unistd.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::cli {

namespace {

constexpr char kInterrupt = 3;  // ctrl-C

// Nothing that is typed is shown; ctrl-C ends the line instead of the process, which would leave
// the terminal so.
class HiddenTyping {
 public:
  HiddenTyping() {
    is_terminal_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    struct termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    hidden.c_cc[VEOL] = kInterrupt;
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;
  ~HiddenTyping() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  bool is_terminal_ = false;
  struct termios before_{};
};

void print(const std::string& text) { write_all(STDOUT_FILENO, text, "terminal"); }

std::string read_line() {
  std::string line;
  char c = 0;
  while (::read(STDIN_FILENO, &c, 1) == 1) {
    if (c == '\n') return line;
    if (c == kInterrupt) throw Error(ErrorKind::unavailable, "interrupted");
    line.push_back(c);
  }
  throw Error(ErrorKind::invalid_argument, "standard input ended before an answer");
}

}  // namespace

std::string ask(const std::string& prompt) {
  print(prompt);
  return read_line();
}

std::string ask_secretly(const std::string& prompt) {
  const HiddenTyping hidden;
  print(prompt);
  std::string answer = read_line();
  print("\n");
  return answer;
}

}  // namespace minidocker::cli
