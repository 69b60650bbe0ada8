#include "trainer/data/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "common/base/random.h"
#include "common/base/sha256.h"

namespace fusor {
namespace {

constexpr int kClasses = 10;
constexpr std::size_t kTrainImages = 5'000;
constexpr std::size_t kTestImages = 1'000;
constexpr std::uint64_t kSeed = 0x66757364617461;
constexpr int kWaves = 3;
constexpr int kSteps = 256;  // of a full turn
constexpr int kNoise = 160;  // pixels are off by up to half of it either way

struct Wave {
  int across = 0;  // turns per image, in 1/256 of a turn per pixel
  int down = 0;
  int phase = 0;
  std::array<int, kImageChannels> strength{};  // -32..32
};

using ClassWaves = std::array<Wave, kWaves>;

// 127 * cosine, in whole numbers, so that no machine's mathematics library matters.
std::array<int, kSteps> CosineTable() {
  std::array<int, kSteps> table{};
  for (int i = 0; i < kSteps; ++i) {
    table[static_cast<std::size_t>(i)] =
        static_cast<int>(std::lround(127 * std::cos(2 * std::numbers::pi * i / kSteps)));
  }
  return table;
}

ClassWaves WavesOf(int label) {
  Random random(Mix(kSeed, static_cast<std::uint64_t>(label)));
  ClassWaves waves;
  for (Wave& wave : waves) {
    wave.across = static_cast<int>(random.Below(5)) * kSteps / kImageSide;
    wave.down = static_cast<int>(random.Below(5)) * kSteps / kImageSide;
    wave.phase = static_cast<int>(random.Below(kSteps));
    for (int& strength : wave.strength) strength = static_cast<int>(random.Below(65)) - 32;
  }
  return waves;
}

void Draw(const ClassWaves& waves, const std::array<int, kSteps>& cosine, std::uint64_t key,
          std::uint8_t* out) {
  Random random(key);
  std::array<int, kWaves> phases;
  for (int w = 0; w < kWaves; ++w) {
    phases[static_cast<std::size_t>(w)] =
        waves[static_cast<std::size_t>(w)].phase + static_cast<int>(random.Below(kSteps / 4));
  }
  const int light = 6 + static_cast<int>(random.Below(10));  // of 16
  std::uint64_t noise = 0;
  for (int pixel = 0; pixel < kImageSide * kImageSide; ++pixel) {
    const int x = pixel % kImageSide;
    const int y = pixel / kImageSide;
    std::array<int, kImageChannels> sum{};
    for (std::size_t w = 0; w < kWaves; ++w) {
      int angle = (waves[w].across * x + waves[w].down * y + phases[w]) & (kSteps - 1);
      int height = cosine[static_cast<std::size_t>(angle)];
      for (std::size_t c = 0; c < kImageChannels; ++c) sum[c] += height * waves[w].strength[c];
    }
    if (pixel % 2 == 0) noise = random.Next();
    for (std::size_t c = 0; c < kImageChannels; ++c) {
      int off = static_cast<int>(noise & 0xff) * kNoise / 256 - kNoise / 2;
      noise >>= 8;
      int value = 128 + sum[c] * light / (16 * 32) + off;
      out[c * kPlaneBytes + static_cast<std::size_t>(pixel)] =
          static_cast<std::uint8_t>(std::clamp(value, 0, 255));
    }
  }
}

ImageSet MakeSet(std::size_t images, std::uint64_t stream) {
  const auto cosine = CosineTable();
  std::array<ClassWaves, kClasses> classes;
  for (int label = 0; label < kClasses; ++label) {
    classes[static_cast<std::size_t>(label)] = WavesOf(label);
  }
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(images * kImageBytes);
  ImageSet set;
  for (std::size_t i = 0; i < images; ++i) {
    const std::size_t label = i % kClasses;
    std::uint8_t* out = bytes->data() + i * kImageBytes;
    Draw(classes[label], cosine, Mix(Mix(kSeed, stream), i), out);
    set.labels.push_back(static_cast<int>(label));
    set.pixels.push_back(out);
  }
  set.storage.push_back(std::move(bytes));
  return set;
}

}  // namespace

ImageData MakeSyntheticImages() {
  ImageData data;
  data.name = "synthetic";
  data.classes = kClasses;
  data.train = MakeSet(kTrainImages, 100);
  data.test = MakeSet(kTestImages, 101);
  data.fingerprint = Sha256Hex("synthetic images, version 1");
  return data;
}

}  // namespace fusor
