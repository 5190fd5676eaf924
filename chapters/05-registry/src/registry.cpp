#include "minidocker/registry_server/registry.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "routes.hpp"

namespace minidocker::registry_server {

namespace {

using images::Digest;

// Content without a name is removed at the start: so nothing may be here that names it elsewhere,
// such as the index of an image store.
UniqueFd claim(const std::string& dir) {
  make_dirs(dir);
  const std::string lock = dir + "/serving.lock";
  if (!exists(lock) && !list_dir(dir).empty()) {
    throw Error(
        ErrorKind::conflict,
        fmt::format("{}: it is not empty, and no registry; choose another directory", quoted(dir)));
  }
  UniqueFd fd = sys::open(lock.c_str(), O_RDWR | O_CREAT, 0600).or_throw(lock);
  sys::Result<> locked = sys::flock(fd.get(), LOCK_EX | LOCK_NB);
  if (locked.error() == EWOULDBLOCK) {
    throw Error(ErrorKind::conflict, fmt::format("{}: it is served already", quoted(dir)));
  }
  std::move(locked).or_throw(lock);
  return fd;
}

void sweep(const Shelves& shelves) {
  const images::StoreLock lock = shelves.store.lock();
  const std::set<std::string> used = shelves.repositories.used();
  const std::string blobs = shelves.store.dir() + "/blobs/sha256";
  for (const std::string& name : list_dir(blobs)) {
    if (used.contains(name)) continue;
    const std::string path = blobs + "/" + name;
    sys::unlink(path.c_str()).or_throw(path);
  }
}

}  // namespace

const std::string& repository_of(const http::Request& request) {
  const std::string& name = request.parameter("name");
  check_repository(name);
  return name;
}

Digest digest_of(std::string_view text) {
  if (const std::optional<Digest> digest = Digest::find(text)) return *digest;
  throw ApiError(400, "DIGEST_INVALID",
                 fmt::format("digest {}: must be sha256: and 64 hex digits in lower case",
                             quoted(text.substr(0, 100))));
}

http::Response content_response(const Shelves& shelves, const Digest& digest,
                                const std::string& media_type, std::string_view code) {
  const std::string path = shelves.store.blob_path(digest);
  sys::Result<UniqueFd> opened = sys::open(path.c_str(), O_RDONLY | O_NOFOLLOW);
  if (opened.error() == ENOENT) {
    throw ApiError(404, code,
                   fmt::format("the content of {} is lost; push it again", digest.str()));
  }
  UniqueFd file = std::move(opened).or_throw(path);
  const struct stat status = sys::fstat(file.get()).or_throw(path);
  return {200,
          {{"Content-Type", media_type},
           {"Docker-Content-Digest", digest.str()},
           {"ETag", fmt::format("\"{}\"", digest.str())}},
          http::FileBody{std::move(file), 0, static_cast<std::uint64_t>(status.st_size)}};
}

http::Response json_response(int status, std::string text) {
  return {status, {{"Content-Type", "application/json"}}, std::move(text)};
}

void require_deletion(const Shelves& shelves) {
  if (shelves.deletion == Deletion::allowed) return;
  throw ApiError(405, "UNSUPPORTED", "this registry was started without leave to delete");
}

Registry::Registry(const std::string& dir, const RegistryOptions& options)
    : lock_(claim(dir)),
      shelves_{images::Store::open(dir), Repositories(dir + "/repositories"),
               Uploads(dir + "/uploads", options.uploads), options.deletion} {
  sweep(shelves_);
}

http::Router Registry::routes() {
  http::Router router;
  const http::Handler base = [](const http::Request&) -> http::Answer {
    http::Response response = json_response(200, "{}");
    response.headers.emplace_back("Docker-Distribution-API-Version", "registry/2.0");
    return response;
  };
  router.add("GET", "/v2", base);
  router.add("GET", "/v2/", base);
  add_list_routes(router, shelves_);
  add_manifest_routes(router, shelves_);
  add_blob_routes(router, shelves_);
  return router;
}

}  // namespace minidocker::registry_server
