#include "common/fetch/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusor {
namespace {

using ::testing::HasSubstr;

KnownDataset Roses() {
  KnownDataset set;
  set.name = "roses";
  set.addresses = {"https://one/roses.tar.gz?v=2", "https://two/r"};
  return set;
}

std::string AddressFrom(const std::string& from) {
  const auto sources = SourcesOf(Roses(), from);
  return sources.ok() ? sources->front().address : sources.status().message();
}

TEST(Source, IsTheDataSetsOwnUnlessAnotherIsGiven) {
  EXPECT_EQ(SourcesOf(Roses(), "")->size(), 2U);
  EXPECT_EQ(AddressFrom(""), "https://one/roses.tar.gz?v=2");
  EXPECT_EQ(AddressFrom("http://m/x"), "http://m/x");
  EXPECT_EQ(AddressFrom("http://m/data/"), "http://m/data/roses.tar.gz");
  EXPECT_THAT(AddressFrom("ftp://m/x"), HasSubstr("'ftp://' is not fetched from"));
  EXPECT_THAT(AddressFrom("no/such/file"), HasSubstr("no archive of roses at /"));
}

TEST(Source, IsShownWithoutItsSecrets) {
  const auto shown = [](const std::string& address) {
    return Source{.address = address, .file = {}}.Shown();
  };
  EXPECT_EQ(shown("https://me:secret@host/a?token=1#x"), "https://host/a");
  EXPECT_EQ(shown("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(shown("http://host"), "http://host");
}

}  // namespace
}  // namespace fusor
