// `mini-docker registry serve`: a program of its own, as it reads what anybody sends.
#include <unistd.h>

#include <string>
#include <vector>

#include "commands.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::cli {

// Becomes the program: signals, terminal and exit code are its own then.
int serve_registry(const Globals& globals, const Words& args) {
  const std::string program = engine::Paths::choose(globals.root).programs + "/mini-registry";
  Words words{"mini-docker registry serve"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const sys::Result<> failed = sys::execve(program.c_str(), argv.data(), environ);
  throw SystemError("execve", program, failed.error());
}

}  // namespace minidocker::cli
