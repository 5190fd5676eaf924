#include "minidocker/registry_server/uploads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry_server {
namespace {

using std::chrono::seconds;

std::string code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const ApiError& error) {
    return error.code();
  }
  return "";
}

class RegistryUploads : public ::testing::Test {
 protected:
  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for (const std::string& name : testing::files_below(dir_.path())) {
      if (name.find("/upload-") != std::string::npos) ++count;
    }
    return count;
  }

  TempDir dir_;
  Uploads::Clock::time_point now_;
  std::optional<Uploads> uploads_{std::in_place, dir_.path(), UploadLimits{3, seconds(60)},
                                  [this] { return now_; }};
};

TEST_F(RegistryUploads, GoBackWhenTheirClientIsCutOff) {
  std::string id;
  {
    Uploads::Lease upload = uploads_->begin("x");
    upload->append("abc");
    id = upload.id();
  }
  Uploads::Lease again = uploads_->take("x", id);
  EXPECT_EQ(again->size(), 3U);
  again->append("def");
  EXPECT_EQ(again->digest(), images::Digest::of("abcdef"));
  EXPECT_EQ(testing::read_text(again->settled_file()), "abcdef");
}

TEST_F(RegistryUploads, AreWorkedOnByOneRequestAtATime) {
  const Uploads::Lease upload = uploads_->begin("x");
  EXPECT_EQ(code_of([&] { static_cast<void>(uploads_->take("x", upload.id())); }),
            "BLOB_UPLOAD_INVALID");
  EXPECT_EQ(code_of([&] { static_cast<void>(uploads_->take("y", upload.id())); }),
            "BLOB_UPLOAD_UNKNOWN");
}

TEST_F(RegistryUploads, LeaveNothingWhenTheyEnd) {
  {
    Uploads::Lease upload = uploads_->begin("x");
    upload->append("abc");
    EXPECT_EQ(files(), 1U);
    upload.end();
  }
  EXPECT_EQ(files(), 0U);
  EXPECT_EQ(uploads_->count(), 0U);
}

TEST_F(RegistryUploads, AMillionThatNobodyFinishesAreThree) {
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    if (code_of([&] { static_cast<void>(uploads_->begin("x")); }) == "TOOMANYREQUESTS") ++refused;
  }
  EXPECT_EQ(refused, 997);
  EXPECT_EQ(uploads_->count(), 3U);
  now_ += seconds(61);
  EXPECT_EQ(code_of([&] { static_cast<void>(uploads_->begin("x")); }), "");
  EXPECT_EQ(uploads_->count(), 1U);
}

TEST_F(RegistryUploads, OneThatIsWorkedOnIsNeverIdle) {
  Uploads::Lease working = uploads_->begin("x");
  working->append("abc");
  static_cast<void>(uploads_->begin("x"));
  static_cast<void>(uploads_->begin("x"));
  now_ += seconds(1000);
  static_cast<void>(uploads_->begin("x"));
  EXPECT_EQ(uploads_->count(), 2U);
  working->append("def");
  EXPECT_EQ(working->size(), 6U);
}

TEST_F(RegistryUploads, OfAKilledRunAreSwept) {
  {
    Uploads::Lease upload = uploads_->begin("x");
    upload->append("abc");
  }
  EXPECT_EQ(files(), 1U);
  uploads_.reset();
  EXPECT_EQ(files(), 0U);
  testing::write_text(dir_ / "left-behind", "half");
  const Uploads next(dir_.path(), {});
  EXPECT_FALSE(testing::find_text(dir_ / "left-behind"));
}

}  // namespace
}  // namespace minidocker::registry_server
