#pragma once

// A data set of the test's own, a server that has its archive, and a folder to fetch it into.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/sha256.h"
#include "common/fetch/fetch.h"
#include "tests/harness/archive_maker.h"
#include "tests/harness/http_server.h"

namespace fusor {

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    std::string name = (std::filesystem::temp_directory_path() / "fusor-fetch-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    SetArchive({{"roses-1.0/train.bin", Noise(200'000)}, {"roses-1.0/sub/test.bin", "test"}});
    set_.name = "roses";
    set_.folder = "roses-binary";
    set_.unpacked_bytes_max = 1'000'000;
    set_.files = {{"train.bin", 200'000}, {"sub/test.bin", 4}};
    set_.addresses = {server_.Address("/roses.tar.gz")};
  }
  ~FetchTest() override { std::filesystem::remove_all(folder_); }

  // Does not get smaller when it is packed.
  static std::string Noise(std::size_t bytes) {
    Random random(7);
    std::string noise;
    while (noise.size() < bytes) noise += static_cast<char>(random.Below(256));
    return noise;
  }

  void SetArchive(const std::vector<harness::ArchiveEntry>& entries) {
    archive_ = harness::MakeArchive(entries, set_.packing);
    set_.bytes = archive_.size();
    set_.checksum = {ChecksumKind::kSha256, Sha256Hex(archive_)};
    Serve({.body = archive_});
  }
  void Serve(harness::HttpFile file) { server_.Serve("/roses.tar.gz", std::move(file)); }

  FetchOptions Options() const {
    FetchOptions options;
    options.datasets = data();
    options.retry_wait = Duration(1);
    return options;
  }
  Result<Fetched> Fetch() const { return FetchDataset(set_, Options()); }
  Result<Fetched> FetchFrom(const std::string& from) const {
    FetchOptions options = Options();
    options.from = from;
    return FetchDataset(set_, options);
  }
  // The message of a fetch that must fail with this code.
  std::string Failure(Code code) const {
    const Result<Fetched> fetched = Fetch();
    EXPECT_FALSE(fetched.ok());
    if (fetched.ok()) return "";
    EXPECT_EQ(fetched.status().code(), code) << fetched.status().message();
    EXPECT_EQ(fetched.status().message().find('\n'), std::string::npos);
    return fetched.status().message();
  }

  std::filesystem::path data() const { return folder_ / "data"; }
  std::filesystem::path part() const {
    return data() / ".fetch" / ("roses-" + set_.checksum.hex.substr(0, 12) + ".part");
  }
  // All files below the folder of the data sets.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data(), error)) {
      files.push_back(entry.path().lexically_relative(data()));
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  static std::string Read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  static void Write(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  void ExpectWhole() const {
    EXPECT_EQ(Files(), (std::vector<std::string>{"roses-binary", "roses-binary.manifest.json",
                                                 "roses-binary/sub", "roses-binary/sub/test.bin",
                                                 "roses-binary/train.bin"}));
    EXPECT_EQ(Read(data() / "roses-binary/train.bin"), Noise(200'000));
  }

  harness::HttpServer server_;
  std::filesystem::path folder_;
  std::string archive_;
  KnownDataset set_;
};

}  // namespace fusor
