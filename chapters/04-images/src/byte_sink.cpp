#include "minidocker/images_unpack/byte_sink.hpp"

#include "deflater.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::images_unpack {

void FdSink::write(std::string_view data) { write_all(fd_, data, what_); }

void HashingSink::write(std::string_view data) {
  behind_.write(data);
  hasher_.update(data.data(), data.size());
  bytes_ += data.size();
}

CompressingSink::CompressingSink(ByteSink& behind, Compression compression)
    : deflater_(make_deflater(compression)), behind_(behind) {}

CompressingSink::~CompressingSink() = default;

void CompressingSink::write(std::string_view data) { deflater_->deflate(data, behind_); }

void CompressingSink::finish() { deflater_->finish(behind_); }

}  // namespace minidocker::images_unpack
