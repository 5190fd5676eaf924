#pragma once
/// \file
/// bpf(2), as far as device rules of cgroup v2 need it.

#include <linux/bpf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// BPF_PROG_LOAD of a BPF_PROG_TYPE_CGROUP_DEVICE program. `name` is cut to 15 bytes. EPERM: needs
/// CAP_SYS_ADMIN (or CAP_BPF with CAP_NET_ADMIN) in the initial user namespace; EINVAL, EACCES: the
/// verifier refuses the program.
Result<UniqueFd> bpf_load_cgroup_device(std::span<const struct bpf_insn> program,
                                        const char* name) noexcept;
/// BPF_PROG_ATTACH with BPF_F_ALLOW_MULTI: further programs may stand beside; all must allow. A
/// program given as `replaces` leaves in the same moment (BPF_F_REPLACE, kernel 5.6); ENOENT if it
/// is not attached here.
Result<> bpf_attach_device(int cgroup, int program, int replaces = -1) noexcept;
/// BPF_PROG_DETACH.
Result<> bpf_detach_device(int cgroup, int program) noexcept;
/// Ids of programs, as the kernel numbers them.
struct BpfProgramIds {
  static constexpr std::size_t kMax = 64;  ///< as many as one cgroup takes
  std::array<std::uint32_t, kMax> ids{};   ///< the first `count` are set
  std::size_t count = 0;                   ///< how many there are
};
/// BPF_PROG_QUERY: the device programs attached to this very cgroup.
Result<BpfProgramIds> bpf_attached_devices(int cgroup) noexcept;
/// BPF_PROG_GET_FD_BY_ID.
Result<UniqueFd> bpf_program_by_id(std::uint32_t id) noexcept;

/// The name a program was loaded with, NUL-terminated.
using BpfProgramName = std::array<char, BPF_OBJ_NAME_LEN>;
/// BPF_OBJ_GET_INFO_BY_FD: the name of a program.
Result<BpfProgramName> bpf_program_name(int program) noexcept;

}  // namespace minidocker::sys
