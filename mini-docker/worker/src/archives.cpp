#include "archives.hpp"

#include <unistd.h>

#include <string>

namespace minidocker::worker {

std::unique_ptr<images_unpack::ImageOutput> open_output(const images::WorkerRequest& request) {
  if (request.verb != images::WorkerVerb::save) return nullptr;
  if (request.to == "-") return images_unpack::tar_output(STDOUT_FILENO);
  return images_unpack::directory_output(request.to);
}

void import_root(const images::WorkerRequest& request, const images_unpack::ImportTarget& target,
                 const images_unpack::Progress& tell) {
  images_unpack::TarballOptions options;
  for (const std::string& name : request.names) {
    options.names.push_back(images::ImageName::parse(name));
  }
  options.changes = request.changes;
  options.comment = request.comment;
  options.created = request.created;
  images_unpack::import_tarball(request.from, options, target, tell);
}

}  // namespace minidocker::worker
