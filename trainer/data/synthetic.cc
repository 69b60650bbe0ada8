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
constexpr int kNoise = 200;  // pixels are off by up to half of it either way

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

// A class's waves as one image shows them.
struct View {
  const ClassWaves& waves;
  std::array<int, kWaves> phases{};
  int light = 0;  // of 64
};

View ViewOf(const ClassWaves& waves, int light, Random& random) {
  View view{waves, {}, light};
  for (std::size_t w = 0; w < kWaves; ++w) {
    view.phases[w] = waves[w].phase + static_cast<int>(random.Below(kSteps / 2));
  }
  return view;
}

void AddWaves(const View& view, const std::array<int, kSteps>& cosine, int x, int y,
              std::array<int, kImageChannels>& sum) {
  for (std::size_t w = 0; w < kWaves; ++w) {
    const Wave& wave = view.waves[w];
    const int angle = (wave.across * x + wave.down * y + view.phases[w]) & (kSteps - 1);
    const int height = cosine[static_cast<std::size_t>(angle)] * view.light;
    for (std::size_t c = 0; c < kImageChannels; ++c) sum[c] += height * wave.strength[c];
  }
}

void Draw(const std::array<ClassWaves, kClasses>& classes, std::size_t label,
          const std::array<int, kSteps>& cosine, std::uint64_t key, std::uint8_t* out) {
  Random random(key);
  const int light = 16 + static_cast<int>(random.Below(32));
  const View own = ViewOf(classes[label], light, random);
  // What makes some images hard: another class shines through, at times almost as bright.
  const std::size_t other_label = random.Below(kClasses);
  const int other_light = static_cast<int>(random.Below(static_cast<std::uint64_t>(light)));
  const View other = ViewOf(classes[other_label], other_light, random);
  std::uint64_t noise = 0;
  for (int pixel = 0; pixel < kImageSide * kImageSide; ++pixel) {
    const int x = pixel % kImageSide;
    const int y = pixel / kImageSide;
    std::array<int, kImageChannels> sum{};
    AddWaves(own, cosine, x, y, sum);
    AddWaves(other, cosine, x, y, sum);
    if (pixel % 2 == 0) noise = random.Next();
    for (std::size_t c = 0; c < kImageChannels; ++c) {
      const int off = static_cast<int>(noise & 0xff) * kNoise / 256 - kNoise / 2;
      noise >>= 8;
      const int value = 128 + sum[c] / (64 * 64) + off;
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
    Draw(classes, label, cosine, Mix(Mix(kSeed, stream), i), out);
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
