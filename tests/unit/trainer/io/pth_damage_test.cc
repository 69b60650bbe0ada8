// Files of torch.save that were cut short or changed: read or refused, never more than that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/unit/trainer/io/bytes.h"
#include "trainer/io/crc32.h"
#include "trainer/io/pickle_reader.h"
#include "trainer/io/pth_reader.h"
#include "trainer/io/zip_reader.h"

namespace fusor {
namespace {

using testing::Recorded;

// Reads everything there is to read; the number of tensors, or -1 when the file is refused.
int ReadWhole(std::span<const std::byte> given) {
  const std::vector<std::byte> bytes(given.begin(), given.end());
  auto file = PthReader::Parse(bytes);
  if (!file.ok()) {
    EXPECT_FALSE(file.status().message().empty());
    return -1;
  }
  int count = 0;
  for (const StoredTensor& tensor : file->tree().tensors) {
    std::vector<std::byte> copied(*TensorBytes(tensor.type, tensor.shape));
    file->Copy(tensor, copied);
    ++count;
  }
  if (!FindStateDict(file->tree()).ok()) return 0;
  return count;
}

TEST(PthDamage, EveryTruncationIsRefused) {
  for (const char* name : {"views.pth", "checkpoint_protocol4.pth", "types.pth"}) {
    const auto whole = Recorded(name);
    EXPECT_GT(ReadWhole(whole), 0) << name;
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_EQ(ReadWhole(std::span(whole).first(length)), -1) << name << " " << length;
    }
  }
}

TEST(PthDamage, ChangedBytesAreReadOrRefused) {
  Random random(1);
  const auto whole = Recorded("views.pth");
  int refused = 0;
  constexpr int kRounds = 20'000;
  for (int round = 0; round < kRounds; ++round) {
    auto changed = whole;
    const std::uint64_t count = 1 + random.Below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t place = random.Below(changed.size());
      changed[place] ^= static_cast<std::byte>(1U << random.Below(8));
    }
    if (ReadWhole(changed) < 0) ++refused;
  }
  EXPECT_GT(refused, kRounds / 4);
}

// The check sum keeps most changes away from the pickle reader; here it has none.
TEST(PthDamage, ChangedPicklesAreReadOrRefused) {
  Random random(2);
  for (const char* name :
       {"views.pth", "checkpoint.pth", "checkpoint_protocol5.pth", "types.pth"}) {
    const auto bytes = Recorded(name);
    auto zip = ZipReader::Parse(bytes);
    ASSERT_TRUE(zip.ok());
    std::vector<std::byte> whole;
    for (const ZipRecord& record : zip->records()) {
      if (!record.name.ends_with("/data.pkl")) continue;
      auto read = zip->Read(record);
      ASSERT_TRUE(read.ok());
      whole.assign(read->begin(), read->end());
    }
    ASSERT_TRUE(ReadPickle(whole).ok());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const std::vector<std::byte> cut(whole.begin(),
                                       whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(ReadPickle(cut).ok()) << name << " " << length;
    }
    int refused = 0;
    constexpr int kRounds = 10'000;
    for (int round = 0; round < kRounds; ++round) {
      auto changed = whole;
      const std::uint64_t count = 1 + random.Below(4);
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t place = random.Below(changed.size());
        changed[place] = static_cast<std::byte>(random.Below(256));
      }
      const std::vector<std::byte> exact(changed.begin(), changed.end());
      if (!ReadPickle(exact).ok()) ++refused;
    }
    EXPECT_GT(refused, kRounds / 4) << name;
  }
}

// Pickles of nothing but opcodes that exist, in any order.
TEST(PthDamage, RandomOpcodesAreReadOrRefused) {
  Random random(3);
  const std::string opcodes = "(01NKJMGXU)t\x85\x86\x87]ae}suhjqrcRbQ\x88\x89\x8a\x8c\x93\x94\x95.";
  for (int round = 0; round < 50'000; ++round) {
    std::vector<std::byte> pickle = {std::byte{0x80}, std::byte{2}};
    const std::uint64_t length = random.Below(60);
    for (std::uint64_t i = 0; i < length; ++i) {
      const std::uint64_t draw = random.Below(3);
      pickle.push_back(draw == 0 ? static_cast<std::byte>(random.Below(4))
                                 : static_cast<std::byte>(opcodes[random.Below(opcodes.size())]));
    }
    pickle.push_back(std::byte{'.'});
    (void)ReadPickle(pickle).ok();
  }
}

}  // namespace
}  // namespace fusor
