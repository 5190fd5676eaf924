#include "merge_config.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

using Words = std::vector<std::string>;

ImageDefaults image() {
  ImageDefaults image;
  image.entrypoint = {"/entry", "-x"};
  image.cmd = {"serve", "--all"};
  image.env = {"PATH=/image/bin", "COLOUR=red"};
  image.user = "www";
  image.working_dir = "/srv";
  return image;
}

Words args_of(const ImageDefaults& from, const CreateRequest& request) {
  return merge_config(from, request, "host").args;
}

TEST(MergeConfig, WithoutAWishTheImageDecides) {
  const Program program = merge_config(image(), {}, "host");
  EXPECT_EQ(program.args, (Words{"/entry", "-x", "serve", "--all"}));
  EXPECT_EQ(program.user, "www");
  EXPECT_EQ(program.working_dir, "/srv");
}

TEST(MergeConfig, ACommandReplacesCmdAndKeepsTheEntrypoint) {
  CreateRequest request;
  request.command = {"ls"};
  EXPECT_EQ(args_of(image(), request), (Words{"/entry", "-x", "ls"}));
}

TEST(MergeConfig, AnEntrypointDropsTheImagesCmd) {
  CreateRequest request;
  request.entrypoint = Words{"sh"};
  EXPECT_EQ(args_of(image(), request), (Words{"sh"}));
  request.command = {"-c", "id"};
  EXPECT_EQ(args_of(image(), request), (Words{"sh", "-c", "id"}));
}

TEST(MergeConfig, AnEmptyEntrypointNeedsACommand) {
  CreateRequest request;
  request.entrypoint = Words{};
  EXPECT_THROW(static_cast<void>(args_of(image(), request)), Error);
  request.command = {"id"};
  EXPECT_EQ(args_of(image(), request), (Words{"id"}));
}

TEST(MergeConfig, EnvironmentIsDockersThenTheImagesThenTheCallers) {
  CreateRequest request;
  request.env = {"COLOUR=blue", "NEW=1"};
  EXPECT_EQ(merge_config(image(), request, "box").env,
            (Words{"PATH=/image/bin", "HOSTNAME=box", "COLOUR=blue", "NEW=1"}));
}

TEST(MergeConfig, ANameWithoutValueRemovesTheVariable) {
  CreateRequest request;
  request.env = {"COLOUR", "NEVER_THERE"};
  EXPECT_EQ(merge_config(image(), request, "box").env, (Words{"PATH=/image/bin", "HOSTNAME=box"}));
}

TEST(MergeConfig, ATerminalSetsTerm) {
  CreateRequest request;
  request.terminal = true;
  EXPECT_EQ(merge_config(image(), request, "box").env.at(2), "TERM=xterm");
}

TEST(MergeConfig, WithoutAPathDockersHolds) {
  ImageDefaults bare;
  bare.cmd = {"sh"};
  EXPECT_EQ(merge_config(bare, {}, "box").env.front(),
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

TEST(MergeConfig, WorkingDirectoryIsTidiedAndMustBeAbsolute) {
  CreateRequest request;
  request.working_dir = "/a//b/../c";
  EXPECT_EQ(merge_config(image(), request, "box").working_dir, "/a/c");
  request.working_dir = "relative";
  EXPECT_THROW(static_cast<void>(merge_config(image(), request, "box")), Error);
}

}  // namespace
}  // namespace minidocker::engine
