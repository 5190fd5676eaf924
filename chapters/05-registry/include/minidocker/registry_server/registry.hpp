#pragma once
/// \file
/// A registry: the OCI distribution API (distribution-spec 1.1) over a store of chapter 4. It knows
/// requests and responses and no sockets; `http` brings the ones and takes the others.
///
/// | end | request                                         | answers        |
/// |-----|-------------------------------------------------|----------------|
/// | 1   | GET /v2/                                        | 200            |
/// | 2   | GET, HEAD /v2/NAME/blobs/DIGEST                 | 200, 206       |
/// | 3   | GET, HEAD /v2/NAME/manifests/TAG-OR-DIGEST      | 200            |
/// | 4   | POST /v2/NAME/blobs/uploads/[?digest=DIGEST]    | 202, 201       |
/// | 5   | PATCH /v2/NAME/blobs/uploads/ID                 | 202, 416       |
/// | 6   | PUT /v2/NAME/blobs/uploads/ID?digest=DIGEST     | 201            |
/// | 7   | PUT /v2/NAME/manifests/TAG-OR-DIGEST            | 201            |
/// | 8   | GET /v2/NAME/tags/list?n=N&last=TAG             | 200            |
/// | 9   | DELETE /v2/NAME/manifests/TAG-OR-DIGEST         | 202, 405       |
/// | 10  | DELETE /v2/NAME/blobs/DIGEST                    | 202, 405       |
/// | 11  | POST /v2/NAME/blobs/uploads/?mount=DIGEST&from=NAME | 201, 202   |
/// | 12  | GET /v2/NAME/referrers/DIGEST?artifactType=TYPE | 200            |
/// | 13  | GET /v2/NAME/blobs/uploads/ID                   | 204            |
/// | 14  | DELETE /v2/NAME/blobs/uploads/ID                | 204            |
/// | -   | GET /v2/_catalog?n=N&last=NAME (docker's)       | 200            |
///
/// What was acknowledged survives a kill and a power cut. DELETE takes a name away; content that
/// no name leads to any more is removed when the registry is opened again.

#include <string>

#include "minidocker/http/router.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/registry_server/repositories.hpp"
#include "minidocker/registry_server/uploads.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry_server {

/// May names be taken away again?
enum class Deletion {
  refused,  ///< DELETE is answered 405
  allowed,  ///< by anybody
};

/// What a registry allows.
struct RegistryOptions {
  Deletion deletion = Deletion::refused;  ///< of manifests, tags and blobs
  UploadLimits uploads = {};              ///< of blobs that are on their way
};

/// Everything that requests share.
struct Shelves {
  images::Store store;        ///< content by digest
  Repositories repositories;  ///< who has which of it
  Uploads uploads;            ///< what is not content yet
  Deletion deletion;          ///< as in RegistryOptions
};

/// A registry in a directory, which no other process serves meanwhile.
class Registry {
 public:
  /// Opens or makes it, and removes what was never finished or is not named any more. Throws
  /// conflict if `dir` is served already, or holds something else; SystemError.
  explicit Registry(const std::string& dir, const RegistryOptions& options = {});

  /// All of the above. The registry must outlive it.
  [[nodiscard]] http::Router routes();

 private:
  UniqueFd lock_;
  Shelves shelves_;
};

}  // namespace minidocker::registry_server
