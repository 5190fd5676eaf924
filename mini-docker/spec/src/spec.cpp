#include "minidocker/spec/spec.hpp"

#include <algorithm>
#include <array>

namespace minidocker::spec {
namespace {

struct TypeName {
  NamespaceType type;
  std::string_view name;
};
constexpr std::array<TypeName, 8> kTypeNames = {{
    {NamespaceType::pid, "pid"},
    {NamespaceType::network, "network"},
    {NamespaceType::ipc, "ipc"},
    {NamespaceType::mount, "mount"},
    {NamespaceType::uts, "uts"},
    {NamespaceType::user, "user"},
    {NamespaceType::cgroup, "cgroup"},
    {NamespaceType::time, "time"},
}};

}  // namespace

const Namespace* Linux::find(NamespaceType type) const noexcept {
  const auto found = std::ranges::find(namespaces, type, &Namespace::type);
  return found == namespaces.end() ? nullptr : &*found;
}

bool Linux::makes(NamespaceType type) const noexcept {
  const Namespace* found = find(type);
  return found != nullptr && found->path.empty();
}

std::string_view name_of(NamespaceType type) noexcept {
  return std::ranges::find(kTypeNames, type, &TypeName::type)->name;
}

std::optional<NamespaceType> find_namespace_type(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kTypeNames, name, &TypeName::name);
  if (found == kTypeNames.end()) return std::nullopt;
  return found->type;
}

}  // namespace minidocker::spec
