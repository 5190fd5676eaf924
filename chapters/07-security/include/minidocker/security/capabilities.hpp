#pragma once
/// \file
/// Capabilities: root's power in 41 pieces, and the five sets that say which pieces a process has
/// (capabilities(7)).

#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/linux_names.hpp"

namespace minidocker::security {

/// A set of capabilities; bit n is capability n, as the kernel writes it in /proc/PID/status.
struct CapabilitySet {
  std::uint64_t bits = 0;  ///< the mask

  [[nodiscard]] constexpr bool has(int capability) const noexcept {  ///< is it in?
    return ((bits >> capability) & 1U) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits == 0; }  ///< is none in?
  /// In both.
  constexpr CapabilitySet operator&(CapabilitySet other) const noexcept {
    return {bits & other.bits};
  }
  /// In either.
  constexpr CapabilitySet operator|(CapabilitySet other) const noexcept {
    return {bits | other.bits};
  }
  /// In this one, not in the other.
  constexpr CapabilitySet operator-(CapabilitySet other) const noexcept {
    return {bits & ~other.bits};
  }
  constexpr bool operator==(const CapabilitySet&) const = default;  ///< same members
};

/// The five sets of a process.
struct ProcessCapabilities {
  CapabilitySet bounding;     ///< the most that execve(2) of a setuid or privileged file may give
  CapabilitySet effective;    ///< what permission checks look at
  CapabilitySet permitted;    ///< what may be made effective
  CapabilitySet inheritable;  ///< what an execve of a file with inheritable capabilities keeps
  CapabilitySet ambient;      ///< what any execve keeps; always in permitted and inheritable
  bool operator==(const ProcessCapabilities&) const = default;  ///< member by member
};

/// How many capabilities we have names for.
inline constexpr int kKnownCapabilities = static_cast<int>(kCapabilityNames.size());
/// All that have a name here.
inline constexpr CapabilitySet kAllKnown{(std::uint64_t{1} << kKnownCapabilities) - 1};

/// "CAP_CHOWN" for 0; "CAP_63" for one without a name.
[[nodiscard]] std::string capability_name(int capability);
/// `CAP_CHOWN CAP_KILL`; "none" for the empty set, "all" for all that have a name.
[[nodiscard]] std::string in_words(CapabilitySet set);

/// Names as a set, spelled as linux_names.hpp has them. Others go to `unknown`, if that is not
/// null: a runtime warns of them, a command line refuses them.
[[nodiscard]] CapabilitySet parse_capabilities(const std::vector<std::string>& names,
                                               std::vector<std::string>* unknown);

/// The fourteen that docker gives to every container.
[[nodiscard]] CapabilitySet default_capabilities();

/// What the kernel knows, asked by halving an interval with PR_CAPBSET_READ: 6 calls, no /proc.
[[nodiscard]] CapabilitySet kernel_capabilities();

/// Drops everything but `keep` out of the bounding set, by one call for each capability that may be
/// in it. Naming more than there is does no harm: what is absent is dropped without a word, and a
/// number that the kernel does not know ends the dropping, so that all 64 bits mean "whatever there
/// is", for one call more. Needs CAP_SETPCAP for what is there (EPERM). Run it before setuid.
struct DropBounding {
  static constexpr StepInfo kInfo{"07-security",
                                  "what is not in the bounding set no program can give back"};
  CapabilitySet keep;     ///< what stays
  CapabilitySet present;  ///< what may be in it now
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Lets setuid from 0 to another id keep the permitted set; only needed for users other than root.
/// execve clears it.
struct KeepCapabilities {
  static constexpr StepInfo kInfo{"07-security",
                                  "leaving uid 0 would drop all capabilities at once"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Sets the effective, permitted and inheritable set by one capset(2). After setuid. A permitted
/// set can only shrink: EPERM if one is asked for that is not there.
struct SetCapabilities {
  static constexpr StepInfo kInfo{"07-security",
                                  "the program gets the privileges it was given, and no others"};
  CapabilitySet effective;    ///< in permitted
  CapabilitySet permitted;    ///< in the present permitted set
  CapabilitySet inheritable;  ///< in the bounding set
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Empties the ambient set, which may come from whoever started us.
struct ClearAmbient {
  static constexpr StepInfo kInfo{"07-security",
                                  "what our caller kept for itself is not for the container"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Raises capabilities in the ambient set: with them a program of an ordinary user has them without
/// any file capabilities. Last of all: each must be permitted and inheritable (else EPERM).
struct RaiseAmbient {
  static constexpr StepInfo kInfo{"07-security", "the only set that an ordinary execve keeps"};
  CapabilitySet raise;  ///< what goes in
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
