// load, save, import, export: images and roots as archives.
#include <string>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "output_file.hpp"
#include "parse_words.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

int load(const Globals& globals, const Words& args) {
  Words input;
  bool quiet = false;
  CLI::App app("Load an image from an archive or an OCI layout", "mini-docker load");
  add_list(app, "-i,--input", input, "file or directory; else standard input");
  app.add_flag("-q,--quiet", quiet, "do not tell how far it has come");
  require_count(parse_names(app, args), 0, "load");

  const engine::LoadedImages loaded = open_engine(globals).load(input.empty() ? "-" : input.back());
  warn(loaded.warnings);
  for (const std::string& name : loaded.names) {
    const bool is_id = name.starts_with("sha256:");
    print(fmt::format("Loaded image{}: {}\n", is_id ? " ID" : "", name));
  }
  return 0;
}

int save(const Globals& globals, const Words& args) {
  Words output;
  Words layout;
  CLI::App app("Save images to an archive: an OCI layout that docker loads, too",
               "mini-docker save");
  add_list(app, "-o,--output", output, "file; else standard output");
  add_list(app, "--layout", layout, "a new directory: the same files, not packed");
  const Words names = parse_names(app, args);
  require_some(names, "save");
  if (!output.empty() && !layout.empty()) {
    throw UsageError("--output and --layout are two places: give one");
  }
  const engine::Engine engine = open_engine(globals);
  if (!layout.empty()) {
    engine.save(names, {.directory = layout.back()});
    return 0;
  }
  OutputFile file(last(output), "save");
  engine.save(names, {.fd = file.fd(), .directory = {}});
  file.commit();
  return 0;
}

int import_root(const Globals& globals, const Words& args) {
  engine::ImportRequest request;
  Words comments;
  CLI::App app("Make an image of a packed root: a tar archive", "mini-docker import");
  add_list(app, "-c,--change", request.changes, "Dockerfile instruction for its config");
  add_list(app, "-m,--message", comments, "for its history");
  const Words words = parse_names(app, args);
  if (words.empty() || words.size() > 2) {
    throw UsageError("'mini-docker import' requires 1 or 2 arguments: FILE|- [REPOSITORY[:TAG]]",
                     kFailed);
  }
  request.from = words.front();
  if (request.from.find("://") != std::string::npos) {
    throw UsageError("import takes files only: fetch it, and give `-` to read standard input",
                     kFailed);
  }
  if (words.size() == 2) request.name = words.back();
  request.comment = comments.empty() ? "Imported from -" : comments.back();
  const engine::LoadedImages imported = open_engine(globals).import_root(request);
  warn(imported.warnings);
  for (const std::string& id : imported.ids) print(id + "\n");
  return 0;
}

int export_root(const Globals& globals, const Words& args) {
  Words output;
  CLI::App app("Write all files of a container as one tar archive", "mini-docker export");
  add_list(app, "-o,--output", output, "file; else standard output");
  const Words names = parse_names(app, args);
  require_count(names, 1, "export");
  const engine::Engine engine = open_engine(globals);
  OutputFile file(last(output), "export");
  engine.export_root(names.front(), file.fd());
  file.commit();
  return 0;
}

}  // namespace minidocker::cli
