#include "minidocker/toolbox/sys/bpf.hpp"

#include <cstring>

#include "traced.hpp"

namespace minidocker::sys {

using trace::fd;
using trace::flags;
using trace::number;
using trace::text;

namespace {

constexpr CallInfo kBpf{"bpf", "bpf(2)"};
constexpr trace::FlagName kAttachFlags[] = {
    {BPF_F_ALLOW_MULTI, "BPF_F_ALLOW_MULTI"}, {BPF_F_REPLACE, "BPF_F_REPLACE"}, {0, nullptr}};

/// All of the union must be zero beyond what a command uses: the kernel refuses the rest.
union bpf_attr zeroed() noexcept {
  union bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  return attributes;
}

std::uint64_t address_of(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

template <class... Args>
Answer command(enum bpf_cmd what, const char* name, union bpf_attr& attributes,
               const Args&... args) noexcept {
  return traced(
      kBpf, [&] { return invoke(SYS_bpf, what, &attributes, sizeof attributes); }, text(name),
      args...);
}

union bpf_attr attachment(int cgroup, int program) noexcept {
  union bpf_attr attributes = zeroed();
  attributes.target_fd = static_cast<std::uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  return attributes;
}

}  // namespace

Result<UniqueFd> bpf_load_cgroup_device(std::span<const struct bpf_insn> program,
                                        const char* name) noexcept {
  union bpf_attr attributes = zeroed();
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  attributes.insns = address_of(program.data());
  attributes.license = address_of("Apache-2.0");
  std::strncpy(attributes.prog_name, name, sizeof attributes.prog_name - 1);
  return owning(kBpf, command(BPF_PROG_LOAD, "BPF_PROG_LOAD", attributes,
                              text("BPF_PROG_TYPE_CGROUP_DEVICE", "prog_type"),
                              number(static_cast<std::int64_t>(program.size()), "insn_cnt"),
                              text(attributes.prog_name, "prog_name")));
}

Result<> bpf_attach_device(int cgroup, int program, int replaces) noexcept {
  union bpf_attr attributes = attachment(cgroup, program);
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (replaces >= 0) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<std::uint32_t>(replaces);
  }
  return done(kBpf, command(BPF_PROG_ATTACH, "BPF_PROG_ATTACH", attributes, fd(cgroup, "target_fd"),
                            fd(program, "attach_bpf_fd"), text("BPF_CGROUP_DEVICE", "attach_type"),
                            flags(kAttachFlags, attributes.attach_flags, "attach_flags")));
}

Result<> bpf_detach_device(int cgroup, int program) noexcept {
  union bpf_attr attributes = attachment(cgroup, program);
  return done(kBpf,
              command(BPF_PROG_DETACH, "BPF_PROG_DETACH", attributes, fd(cgroup, "target_fd"),
                      fd(program, "attach_bpf_fd"), text("BPF_CGROUP_DEVICE", "attach_type")));
}

Result<BpfProgramIds> bpf_attached_devices(int cgroup) noexcept {
  BpfProgramIds found;
  union bpf_attr attributes = zeroed();
  attributes.query.target_fd = static_cast<std::uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address_of(found.ids.data());
  attributes.query.prog_cnt = static_cast<std::uint32_t>(found.ids.size());
  const Answer answer = command(BPF_PROG_QUERY, "BPF_PROG_QUERY", attributes,
                                fd(cgroup, "target_fd"), text("BPF_CGROUP_DEVICE", "attach_type"));
  found.count = attributes.query.prog_cnt;
  return filling(kBpf, answer, found);
}

Result<UniqueFd> bpf_program_by_id(std::uint32_t id) noexcept {
  union bpf_attr attributes = zeroed();
  attributes.prog_id = id;
  return owning(kBpf, command(BPF_PROG_GET_FD_BY_ID, "BPF_PROG_GET_FD_BY_ID", attributes,
                              number(id, "prog_id")));
}

Result<BpfProgramName> bpf_program_name(int program) noexcept {
  struct bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  union bpf_attr attributes = zeroed();
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = address_of(&info);
  const Answer answer =
      command(BPF_OBJ_GET_INFO_BY_FD, "BPF_OBJ_GET_INFO_BY_FD", attributes, fd(program, "bpf_fd"));
  BpfProgramName name{};
  std::memcpy(name.data(), info.name, name.size() - 1);
  return filling(kBpf, answer, name);
}

}  // namespace minidocker::sys
