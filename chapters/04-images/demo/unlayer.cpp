// unlayer: unpacks one layer of an image into a directory, and nothing else. What a container
// engine does first with everything that it is given.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace {

namespace images = minidocker::images;
namespace images_unpack = minidocker::images_unpack;

constexpr int kFailed = 1;

struct Request {
  std::string blob;
  std::string directory;
  std::string digest;
  std::string diff_id;
};

void unpack(const Request& request) {
  const minidocker::UniqueFd fd =
      minidocker::sys::open(request.blob.c_str(), O_RDONLY).or_throw(request.blob);
  minidocker::make_dirs(request.directory);
  images_unpack::ByteBudget budget(std::uint64_t{256} << 30U);
  const images_unpack::NoUmask no_umask;
  const images_unpack::UnpackReport report =
      images_unpack::unpack_layer({fd.get(), request.blob, images::Digest::parse(request.digest),
                                   images::Digest::parse(request.diff_id)},
                                  request.directory, budget);
  minidocker::write_all(STDOUT_FILENO,
                        fmt::format("{} members, {} bytes\n", report.entries, report.bytes),
                        "standard output");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Unpacks one layer: a tar archive, plain or compressed by gzip or zstd.", "unlayer");
  Request request;
  app.add_option("BLOB", request.blob, "the layer as it travels")->required();
  app.add_option("DIR", request.directory, "where its files go; must be empty")->required();
  app.add_option("DIGEST", request.digest, "what the blob must be: sha256:...")->required();
  app.add_option("DIFF_ID", request.diff_id, "what the archive in it must be")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    unpack(request);
  } catch (const std::exception& error) {
    fmt::print(stderr, "unlayer: {}\n", error.what());
    return kFailed;
  }
  return 0;
}
