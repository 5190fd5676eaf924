#include "minidocker/security/socket_filter.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>

#include "minidocker/toolbox/sys/confine.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::security {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "which architecture are the numbers of system calls of?"
#endif

/// Numbers from here on are those of x32, another set of calls for the same architecture.
constexpr std::uint32_t kX32 = 0x4000'0000;
constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | EACCES;

using Instruction = struct sock_filter;

Instruction load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
Instruction answer(std::uint32_t what) { return BPF_STMT(BPF_RET | BPF_K, what); }
/// The next instruction runs only if what was loaded equals `value`; else it is passed over.
Instruction if_equal(std::uint32_t value) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
}
Instruction unless_equal(std::uint32_t value) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
}
Instruction if_at_least(std::uint32_t value) {
  return BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, 0, 1);
}

}  // namespace

std::vector<struct sock_filter> socket_filter(Sockets allowed) {
  std::vector<struct sock_filter> program{
      load(offsetof(struct seccomp_data, arch)),
      unless_equal(kArchitecture),
      answer(SECCOMP_RET_KILL_PROCESS),
      load(offsetof(struct seccomp_data, nr)),
      if_at_least(kX32),
      answer(kRefuse),
      if_equal(SYS_io_uring_setup),
      answer(kRefuse),
      unless_equal(SYS_socket),
      answer(SECCOMP_RET_ALLOW),
  };
  if (allowed == Sockets::internet) {
    program.push_back(load(offsetof(struct seccomp_data, args)));  // the lower half: the family
    for (const int family : {AF_INET, AF_INET6}) {
      program.push_back(if_equal(static_cast<std::uint32_t>(family)));
      program.push_back(answer(SECCOMP_RET_ALLOW));
    }
  }
  program.push_back(answer(kRefuse));
  return program;
}

void limit_sockets(Sockets allowed) {
  const trace::Scope scope(
      "07-security",
      allowed == Sockets::none ? "refuse all sockets" : "refuse all sockets but the internet's",
      "a socket in the filesystem may lead to somebody mightier");
  sys::seccomp_filter(socket_filter(allowed)).or_throw("this thread");
}

}  // namespace minidocker::security
