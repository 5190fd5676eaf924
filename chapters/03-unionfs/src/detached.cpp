#include "minidocker/unionfs/detached.hpp"

#include <fcntl.h>
#include <linux/mount.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "overlay_forms.hpp"

namespace minidocker::unionfs {
namespace {

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

std::string_view hint_for(int error) {
  if (error == EPERM) return "only who mounted the filesystem may map its ids";
  if (error == EINVAL) return "the filesystem of the source, or one below it, cannot map ids";
  return {};
}

}  // namespace

UniqueFd clone_mount(const std::string& source, Recursion recursion) {
  const unsigned tree = recursion == Recursion::tree ? AT_RECURSIVE : 0U;
  return sys::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | tree).or_throw(quoted(source));
}

void map_ids(int mount, int user_namespace, Recursion recursion, const std::string& what) {
  const unsigned tree = recursion == Recursion::tree ? AT_RECURSIVE : 0U;
  sys::Result<> mapped = sys::map_mount_ids(mount, tree, user_namespace);
  const std::string_view hint = hint_for(mapped.error());
  std::move(mapped).or_throw(quoted(what), hint);
}

UniqueFd make_detached_overlay(const OverlayLayers& layers) {
  check_layers(layers);
  std::vector<const char*> lowers;
  for (const std::string& lower : layers.lowers) lowers.push_back(lower.c_str());
  lowers.push_back(nullptr);
  return make_overlay({lowers.data(), or_null(layers.upper), or_null(layers.work), layers.sync})
      .or_throw("overlay", "it takes Linux 6.8, and an upper directory that nobody uses");
}

}  // namespace minidocker::unionfs
