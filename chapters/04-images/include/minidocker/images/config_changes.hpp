#pragma once
/// \file
/// Instructions of a Dockerfile that change nothing but an image's config: what `docker import
/// --change` takes (https://docs.docker.com/reference/dockerfile/).

#include <string>
#include <string_view>

namespace minidocker::images {

/// The member `config` of an image's config (JSON), changed by `instructions`, one on a line: CMD,
/// ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR. Variables are not
/// expanded but refused, as are other instructions. Throws invalid_argument that shows the line.
[[nodiscard]] std::string change_config(std::string_view config, std::string_view instructions);

}  // namespace minidocker::images
