#include "image_listings.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "image_filters.hpp"
#include "image_picture.hpp"
#include "inspect_json.hpp"
#include "usage_error.hpp"

namespace minidocker::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

engine::ImageSummary summary(std::vector<std::string> tags, std::vector<std::string> digests) {
  engine::ImageSummary image;
  image.id = std::string(64, 'a');
  image.tags = std::move(tags);
  image.digests = std::move(digests);
  image.created = 1000;
  image.size = Bytes{1'234'567};
  return image;
}

std::string table(const std::vector<engine::ImageSummary>& images, const std::string& format = "",
                  Digests digests = Digests::hidden) {
  return listed(images_listing(images, 1180, Cut::yes, digests), format);
}

template <class Body>
std::string refusal_of(Body body) {
  try {
    static_cast<void>(body());
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(ImageListings, HaveARowForEachName) {
  EXPECT_EQ(table({summary({"busybox:latest", "h:5000/x:1"}, {}), summary({}, {})}),
            "REPOSITORY   TAG       IMAGE ID       CREATED         SIZE\n"
            "busybox      latest    aaaaaaaaaaaa   3 minutes ago   1.23MB\n"
            "h:5000/x     1         aaaaaaaaaaaa   3 minutes ago   1.23MB\n"
            "<none>       <none>    aaaaaaaaaaaa   3 minutes ago   1.23MB\n");
}

TEST(ImageListings, ShowDigestsOfTheirRepositoriesWhenAsked) {
  const std::vector<engine::ImageSummary> images{
      summary({"a:1", "b:2"}, {"a@sha256:11", "c@sha256:33"})};
  const std::string format = "{{.Repository}} {{.Tag}} {{.Digest}}";
  EXPECT_EQ(table(images, format, Digests::shown),
            "a 1 sha256:11\nb 2 <none>\nc <none> sha256:33\n");
  EXPECT_EQ(table(images, format), "a 1 <none>\nb 2 <none>\nc <none> sha256:33\n");
  EXPECT_THAT(table(images, "", Digests::shown), HasSubstr("TAG       DIGEST      IMAGE ID"));
}

TEST(ImageListings, ComeInFormats) {
  const std::vector<engine::ImageSummary> images{summary({"a:1"}, {})};
  EXPECT_EQ(table(images, "table {{.ID}}\\t{{.Tag}}"), "IMAGE ID       TAG\naaaaaaaaaaaa   1\n");
  const auto line = nlohmann::json::parse(table(images, "json"));
  EXPECT_EQ(line["Repository"], "a");
  EXPECT_EQ(line["CreatedAt"], "1970-01-01 00:16:40 +0000 UTC");
  EXPECT_EQ(table(images, "x {{ .ID }}{{json .Tag}}\\n"), "x aaaaaaaaaaaa\"1\"\n\n");
}

TEST(ImageListings, HistoryCutsWhatIsLong) {
  engine::HistoryLine top{std::string(64, 'b'), 1000, "CMD\t" + std::string(60, 'x'), Bytes{0}, ""};
  engine::HistoryLine base{"", 0, "ADD x", Bytes{5}, "c"};
  EXPECT_EQ(listed(history_listing({top, base}, 1180, Cut::yes, Human::yes), ""),
            "IMAGE          CREATED         CREATED BY                                      SIZE   "
            "   COMMENT\n"
            "bbbbbbbbbbbb   3 minutes ago   CMD " +
                std::string(40, 'x') +
                "…   0B        \n"
                "<missing>      N/A             ADD x                                           "
                "5B        c\n");
  const std::string whole = listed(history_listing({top}, 1180, Cut::no, Human::no),
                                   "{{.ID}} {{.CreatedSince}} {{.Size}}");
  EXPECT_EQ(whole, "sha256:" + std::string(64, 'b') + " 1970-01-01T00:16:40Z 0\n");
}

TEST(ImageListings, UsageTellsWhatCouldBeHad) {
  engine::DiskUsage usage;
  usage.layers = Bytes{300};
  usage.images = {{summary({"a:1"}, {}), Bytes{0}, 1}, {summary({"b:1"}, {}), Bytes{0}, 0}};
  usage.images[0].image.size = Bytes{100};
  engine::ContainerSummary container;
  container.state = engine::State::exited;
  usage.containers = {{container, Bytes{10}}};
  EXPECT_EQ(listed(usage_listing(usage), ""),
            "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE\n"
            "Images          2         1         300B      200B (66%)\n"
            "Containers      1         0         10B       10B (100%)\n"
            "Local Volumes   0         0         0B        0B\n"
            "Build Cache     0         0         0B        0B\n");
  EXPECT_THAT(usage_in_full(usage, 1180), HasSubstr("SHARED SIZE   UNIQUE SIZE   CONTAINERS\n"));
}

// --- templates -------------------------------------------------------------------------------

TEST(FormatTemplates, PrintValuesAsGoDoes) {
  const auto object = nlohmann::ordered_json::parse(
      R"({"A":{"B":1.5,"C":null,"D":true},"L":["x","y"],"S":"text"})");
  const auto apply = [&object](const std::string& text) {
    return FormatTemplate(text, 64).apply(object);
  };
  EXPECT_EQ(apply("{{.S}}-{{.A.B}} {{.A.D}}"), "text-1.5 true");
  EXPECT_EQ(apply("{{.A}} {{.L}}"), "map[B:1.5 C:<no value> D:true] [x y]");
  EXPECT_EQ(apply("{{json .L}}{{json .A.C}}"), R"(["x","y"]null)");
  EXPECT_EQ(apply("{{json .}}"), object.dump());
  EXPECT_EQ(apply("no fields }}"), "no fields }}");
  EXPECT_THAT(refusal_of([&] { return apply("{{.A.X}}"); }), HasSubstr("no field \"X\""));
  for (const char* bad :
       {"{{range .L}}{{end}}", "{{.S | upper}}", "{{len .L}}", "{{..}}", "{{x}}"}) {
    EXPECT_THAT(refusal_of([&] { return apply(bad); }), HasSubstr("template parsing error")) << bad;
  }
  EXPECT_THAT(refusal_of([&] { return apply("{{.S"); }), HasSubstr("is not closed"));
}

// --- filters ---------------------------------------------------------------------------------

TEST(ImageFilterWords, AreDockers) {
  const engine::ImageFilters filters = parse_image_filters(
      {"dangling=true", "label=a=b", "label=c", "reference=x*", "before=y", "since=z"});
  EXPECT_EQ(filters.dangling, true);
  EXPECT_THAT(filters.labels, ::testing::ElementsAre("a=b", "c"));
  EXPECT_THAT(filters.references, ::testing::ElementsAre("x*"));
  EXPECT_EQ(filters.before + filters.since, "yz");
  const auto refusal = [](const std::string& word) {
    return refusal_of([&] { return parse_image_filters({word}); });
  };
  EXPECT_EQ(refusal("nosuch=1"), "invalid filter 'nosuch'");
  EXPECT_EQ(refusal("dangling=perhaps"), "invalid filter 'dangling=perhaps'");
  EXPECT_THAT(refusal("dangling"), HasSubstr("should be 'name=value'"));
}

// --- inspect ---------------------------------------------------------------------------------

TEST(Inspect, AnImageHasDockersMembersInDockersOrder) {
  engine::ImageDetails image;
  image.summary = summary({"a:1"}, {"a@sha256:11"});
  image.defaults = R"({"Cmd":["x"],"Env":["A=b"],"Odd":1,"User":"me"})";
  image.layers = {{"sha256:22", "sha256:33", Bytes{1}, "ADD x"}};
  image.folders = {"/top", "/low", "/lowest"};
  image.driver = "overlay";
  const nlohmann::ordered_json json = to_json(image);
  EXPECT_EQ(json["Config"].dump(), R"({"User":"me","Env":["A=b"],"Cmd":["x"],"Odd":1})");
  EXPECT_EQ(json["GraphDriver"]["Data"]["LowerDir"], "/low:/lowest");
  EXPECT_EQ(json["RootFS"].dump(), R"({"Type":"layers","Layers":["sha256:22"]})");
  EXPECT_EQ(json["Created"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(json.begin().key(), "Id");
}

TEST(Inspect, AContainerTellsItsState) {
  engine::ContainerDetails container;
  container.summary.name = "web";
  container.summary.state = engine::State::running;
  container.status = "running";
  container.args = {"sh", "-c", "x"};
  container.mounts = {{"/from", "/to", "rprivate", true}};
  const nlohmann::ordered_json json = to_json(container);
  EXPECT_EQ(json["Name"], "/web");
  EXPECT_EQ(json["Path"], "sh");
  EXPECT_EQ(json["Args"].dump(), R"(["-c","x"])");
  EXPECT_EQ(json["State"]["Running"], true);
  EXPECT_EQ(json["State"]["FinishedAt"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(json["Mounts"][0]["Mode"], "ro");
}

// --- pictures --------------------------------------------------------------------------------

engine::ImageDetails stacked(const std::string& name, const std::vector<std::string>& layers) {
  engine::ImageDetails image;
  image.summary.id = std::string(64, 'e');
  if (!name.empty()) image.summary.tags = {name};
  std::string chain;
  for (const std::string& layer : layers) {
    chain += layer;
    image.layers.push_back(
        {"sha256:" + std::string(12, layer[0]), chain, Bytes{1000}, "ADD " + layer + "\nx"});
  }
  return image;
}

TEST(ImagePictures, ShowSharedLayersOnceAndBranchWhereImagesPart) {
  const ImagePicture picture({stacked("one:1", {"a", "b", "c"}), stacked("two:1", {"a", "b", "d"}),
                              stacked("base:1", {"a"}), stacked("", {"x"})});
  EXPECT_EQ(picture.as_text(),
            "aaaaaaaaaaaa       1kB  ADD a x\n"
            "= base:1\n"
            "bbbbbbbbbbbb       1kB  ADD b x\n"
            "├─ cccccccccccc       1kB  ADD c x\n"
            "│  = one:1\n"
            "└─ dddddddddddd       1kB  ADD d x\n"
            "   = two:1\n"
            "xxxxxxxxxxxx       1kB  ADD x x\n"
            "= <none> eeeeeeeeeeee\n");
}

TEST(ImagePictures, AreDrawn) {
  const std::string svg =
      ImagePicture({stacked("one:<1>", {"a", "b"}), stacked("two:1", {"a", "c"})}).as_svg();
  EXPECT_THAT(svg, HasSubstr("one:&lt;1>"));
  EXPECT_THAT(svg, Not(HasSubstr("one:<")));
  EXPECT_THAT(svg, HasSubstr("width=\"500\""));
}

}  // namespace
}  // namespace minidocker::cli
