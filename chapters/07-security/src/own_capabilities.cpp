#include "minidocker/security/own_capabilities.hpp"

#include <linux/capability.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::security {
namespace {

// Up to the first number that the kernel does not know.
void drop_bounding(CapabilitySet keep) {
  for (int capability = 0; capability < 64; ++capability) {
    if (keep.has(capability)) continue;
    sys::Result<> dropped = sys::bounding_drop(capability);
    if (dropped.error() == EINVAL) return;
    std::move(dropped).or_throw(capability_name(capability));
  }
}

}  // namespace

void keep_only(CapabilitySet keep) {
  const trace::Scope scope("07-security", "keep no capabilities but " + in_words(keep),
                           "what is never needed shall never be used");
  const sys::CapabilitySets has = sys::capget().or_throw("this thread");
  if (CapabilitySet{has.effective}.has(CAP_SETPCAP)) drop_bounding(keep);
  sys::ambient_clear().or_throw();
  const std::uint64_t left = has.permitted & keep.bits;
  sys::capset({left, left, 0}).or_throw(in_words({left}));
}

}  // namespace minidocker::security
