#include "image_exchange.hpp"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::testing {

namespace {

constexpr std::chrono::minutes kPatience{3};

}  // namespace

CommandResult ImageExchange::ours(Words args, const std::string& state) const {
  args.insert(args.begin(), {MD_BINARY_DIR "/bin/mini-docker", "--root", at(state)});
  CommandResult result = run_command(args, {.limit = kPatience});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return result;
}

std::string ImageExchange::call(const Words& words) {
  CommandResult result = run_command(words, {.limit = kPatience});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return std::move(result.out);
}

void ImageExchange::skopeo_copy(const Words& words) {
  Words command{path_of("skopeo"), "--insecure-policy", "copy", "-q"};
  command.insert(command.end(), words.begin(), words.end());
  call(command);
}

void ImageExchange::umoci_make(const std::string& name, const std::string& source) const {
  call({path_of("umoci"), "init", "--layout", at(name)});
  call({path_of("umoci"), "new", "--image", at(name) + ":latest"});
  call({path_of("umoci"), "insert", "--image", at(name) + ":latest", source, "/"});
}

TreeDescription ImageExchange::umoci_unpack(const std::string& name) const {
  call({path_of("umoci"), "unpack", "--image", at(name) + ":latest", at(name) + "-bundle"});
  return describe_tree(at(name) + "-bundle/rootfs");
}

TreeDescription ImageExchange::unpacked(const std::string& state) const {
  const std::string layers = at(state) + "/layers/sha256";
  const Words found = lines_of(call({"ls", layers}));
  EXPECT_EQ(found.size(), 1U);
  return describe_tree(layers + "/" + found.at(0));
}

ImageExchange::Words ImageExchange::blobs(const std::string& state) const {
  return files_below(at(state) + "/images/blobs/sha256");
}

std::string ImageExchange::id(const std::string& name, const std::string& state) const {
  return lines_of(ours({"inspect", "-f", "{{.Id}}", name}, state).out).at(0);
}

std::string ImageExchange::manifest_digest(const std::string& name) const {
  const std::string index = call(
      {"sh", "-c", "[ -d $1 ] && cat $1/index.json || tar -xOf $1 index.json", "sh", at(name)});
  const auto manifests = nlohmann::json::parse(index).at("manifests");
  EXPECT_EQ(manifests.size(), 1U) << index;
  return manifests.at(0).at("digest");
}

std::string ImageExchange::load_and_save(const std::string& name) const {
  std::string state = name + "-loaded";
  const std::string told = lines_of(ours({"load", "-i", at(name)}, state).out).at(0);
  ours({"save", "-o", at(name) + "-saved.tar", told.substr(told.find(": ") + 2)}, state);
  EXPECT_EQ(manifest_digest(name + "-saved.tar"), manifest_digest(name));
  return state;
}

void expect_same_but(const std::vector<std::string>& losses, const TreeDescription& ours,
                     const TreeDescription& theirs) {
  EXPECT_GT(ours.size(), 1U);
  EXPECT_EQ(differing_paths(ours, theirs), losses) << differences(ours, theirs);
}

void in_own_world(const std::function<void()>& body) {
  in_sandbox([&body] {
    mount_empty({"/run", "/var/lib"});
    body();
  });
}

}  // namespace minidocker::testing
