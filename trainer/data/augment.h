#pragma once

// Random changes of training images: what is drawn depends on the key alone, which is made from
// (seed, epoch, index of the image), so a batch is the same whatever thread makes it and wherever a
// run was interrupted. The order is torchvision's usual one: crop, flip, colour jitter, policy on
// the bytes; erasing on the normalised image.

#include <cstdint>
#include <optional>

#include "common/base/random.h"
#include "trainer/data/image_ops.h"

namespace fusor {

enum class Policy : std::uint8_t { kNone, kRandAugment, kTrivialAugmentWide };

struct JitterOptions {
  double brightness = 0;  // factors are drawn from [1 - x, 1 + x]
  double contrast = 0;
  double saturation = 0;
  double hue = 0;  // from [-x, x]

  bool any() const { return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0; }
};

struct AugmentOptions {
  int crop_padding = 0;  // mirrored pixels around the image, of which a window is cut out
  bool flip = false;
  JitterOptions jitter;
  Policy policy = Policy::kNone;
  int policy_operations = 2;  // of RandAugment
  int policy_magnitude = 9;   // of RandAugment, 0 to 30
  double erase = 0;           // the chance that a rectangle is erased
};

// Rows [top, bottom), columns [left, right).
struct Box {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;

  bool operator==(const Box&) const = default;
};

struct Augmented {
  ImageBytes image;
  std::optional<Box> erased;  // to be 0 after normalising
};

class Augmenter {
 public:
  explicit Augmenter(const AugmentOptions& options) : options_(options) {}

  // `pixels` are kImageBytes bytes.
  Augmented Apply(const std::uint8_t* pixels, std::uint64_t key) const;

 private:
  void CropAndFlip(const std::uint8_t* pixels, Random& random, ImageBytes& out) const;
  void Jitter(ImageBytes& image, Random& random) const;

  const AugmentOptions options_;
};

// One operation of the policies, by its place in their common list of fourteen. Shown for tests
// that hold them against torchvision.
enum class Operation : std::uint8_t {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColour,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
};
inline constexpr int kOperations = 14;
inline constexpr int kMagnitudes = 31;

// How strong `operation` is at a magnitude from 0 to 30; the wide policy reaches further.
double Strength(Operation operation, int magnitude, Policy policy);
// May its strength be negative too?
bool Signed(Operation operation);
void Perform(Operation operation, double strength, ImageBytes& image);

}  // namespace fusor
