#include <linux/capability.h>

#include <cstdint>

#include "capability_names.hpp"
#include "spec_builder.hpp"

namespace minidocker::engine {
namespace {

/// What may be granted at all: a device node made in a user namespace could not be opened, and
/// mknod(2) there is refused in any case.
security::CapabilitySet grantable(const Maker& maker) {
  constexpr security::CapabilitySet kMknod{std::uint64_t{1} << CAP_MKNOD};
  return maker.is_rootless() ? maker.capabilities - kMknod : maker.capabilities;
}

}  // namespace

spec::Capabilities build_capabilities(const CreateRequest& request, const SpecInput& input) {
  const security::CapabilitySet set = grantable(input.maker);
  spec::Capabilities sets;
  sets.bounding = request.privileged ? names_of_capabilities(set)
                                     : choose_capabilities(request.cap_add, request.cap_drop, set);
  // Another user than root has no capabilities, as after any execve(2) of his; the bounding set
  // is what a set-user-ID program could regain.
  if (!is_root_user(input.program.user)) return sets;
  sets.permitted = sets.bounding;
  sets.effective = sets.bounding;
  return sets;
}

}  // namespace minidocker::engine
