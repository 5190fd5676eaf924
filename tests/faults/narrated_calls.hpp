#pragma once
/// \file
/// The calls of DESIGN's "Narration" list in one normal form, from strace and from
/// `--explain=json`: what both tell must be the same.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "strace_log.hpp"

namespace minidocker::testing {

/// The calls as a multiset of `WHO name(arguments) [ERROR]`. WHO is "runtime" for the process seen
/// first and "container" for all others.
using CallSet = std::multiset<std::string>;

/// Of all calls the listed ones: clone*, unshare, setns, the mount family, pivot_root, chroot,
/// prctl, capset, seccomp, bpf, set*id, setgroups, sethostname, execve, mkdir, mknod, symlink, and
/// opens for writing below /proc and /sys. Arguments are kept as far as both sides print them:
/// texts as they are, flags sorted by name, numbers in decimal, other ones not at all.
[[nodiscard]] CallSet narrated(const std::vector<TracedCall>& calls);

/// Leaves out what nobody narrates: the execve that strace itself makes, and all that a process
/// calls after an execve of its own, as it is another program then.
[[nodiscard]] std::vector<TracedCall> of_our_program(const std::vector<TracedCall>& calls);

/// The `call` events of `--explain=json`. Throws std::runtime_error at a line that is no JSON.
[[nodiscard]] std::vector<TracedCall> parse_explain(const std::string& json_lines);

/// Flags of a word, by name and sorted; a descriptor or a number as it is.
[[nodiscard]] std::string normal_names(std::string_view word);
/// The same of a field of `{a=1 /* X */, b=2}`; "0" if there is no such field.
[[nodiscard]] std::string normal_field(std::string_view structure, const std::string& name);

/// What one has and the other has not, a line each; empty if they are equal.
[[nodiscard]] std::string difference(const CallSet& strace, const CallSet& explain);

}  // namespace minidocker::testing
