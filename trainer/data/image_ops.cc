#include "trainer/data/image_ops.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace fusor {
namespace {

using Table = std::array<std::uint8_t, 256>;
using Plane = std::span<std::uint8_t, kPlaneBytes>;
using Grey = std::array<std::uint8_t, kPlaneBytes>;

Plane PlaneOf(ImageBytes& image, std::size_t channel) {
  return Plane(image.data() + channel * kPlaneBytes, kPlaneBytes);
}

void Look(Plane plane, const Table& table) {
  for (std::uint8_t& value : plane) value = table[value];
}

std::uint8_t Clip(int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); }

// 16 bits of fraction, rounded away from zero.
int Fixed(double value) { return static_cast<int>(value * 65536 + (value < 0 ? -0.5 : 0.5)); }

// From `a` (0) to `b` (1) and beyond, in single precision.
std::uint8_t Blend(int a, int b, float share) {
  const float value = static_cast<float>(a) + share * static_cast<float>(b - a);
  if (value <= 0) return 0;
  return value >= 255 ? 255 : static_cast<std::uint8_t>(value);
}

// ITU-R 601 luma with 16 bits of fraction.
Grey GreyOf(const ImageBytes& image) {
  Grey grey;
  for (std::size_t i = 0; i < kPlaneBytes; ++i) {
    const unsigned sum = image[i] * 19595U + image[kPlaneBytes + i] * 38470U +
                         image[2 * kPlaneBytes + i] * 7471U + 0x8000U;
    grey[i] = static_cast<std::uint8_t>(sum >> 16);
  }
  return grey;
}

std::array<unsigned, 256> HistogramOf(Plane plane) {
  std::array<unsigned, 256> histogram{};
  for (std::uint8_t value : plane) ++histogram[value];
  return histogram;
}

// The eight neighbours once, the middle five times, over 13. The border stays.
void Smooth(Plane plane) {
  Grey old;
  std::copy(plane.begin(), plane.end(), old.begin());
  constexpr std::size_t kRow = kImageSide;
  for (std::size_t y = 1; y + 1 < kRow; ++y) {
    for (std::size_t x = 1; x + 1 < kRow; ++x) {
      const std::uint8_t* at = old.data() + y * kRow + x;
      int sum = 4 * at[0];
      for (const std::uint8_t* line : {at - kRow, at, at + kRow}) {
        sum += line[-1] + line[0] + line[1];
      }
      // Rounded; a 13th is never half way between two whole numbers.
      plane[y * kRow + x] = static_cast<std::uint8_t>((2 * sum + 13) / 26);
    }
  }
}

struct Hsv {
  int hue = 0;  // 0 to 255, as the other two
  int saturation = 0;
  int value = 0;
};

struct Rgb {
  int red = 0;
  int green = 0;
  int blue = 0;
};

Hsv ToHsv(const Rgb& rgb) {
  const int most = std::max({rgb.red, rgb.green, rgb.blue});
  const int least = std::min({rgb.red, rgb.green, rgb.blue});
  if (most == least) return {0, 0, most};
  const auto spread = static_cast<float>(most - least);
  const float saturation = spread / static_cast<float>(most);
  const float red = static_cast<float>(most - rgb.red) / spread;
  const float green = static_cast<float>(most - rgb.green) / spread;
  const float blue = static_cast<float>(most - rgb.blue) / spread;
  // The sectors are reckoned in double precision but kept in single.
  float hue = 0;
  if (rgb.red == most) {
    hue = blue - green;
  } else if (rgb.green == most) {
    hue = static_cast<float>(2.0 + static_cast<double>(red) - static_cast<double>(blue));
  } else {
    hue = static_cast<float>(4.0 + static_cast<double>(green) - static_cast<double>(red));
  }
  hue = static_cast<float>(std::fmod(static_cast<double>(hue) / 6.0 + 1.0, 1.0));
  return {Clip(static_cast<int>(static_cast<double>(hue) * 255.0)),
          Clip(static_cast<int>(static_cast<double>(saturation) * 255.0)), most};
}

Rgb ToRgb(const Hsv& hsv) {
  if (hsv.saturation == 0) return {hsv.value, hsv.value, hsv.value};
  const auto turn = static_cast<float>(static_cast<double>(hsv.hue) * 6.0 / 255.0);
  const auto share = static_cast<float>(static_cast<double>(hsv.saturation) / 255.0);
  const int sector = static_cast<int>(std::floor(turn));
  const float within = turn - static_cast<float>(sector);
  auto dim = [&](double by) {
    return static_cast<int>(Clip(static_cast<int>(std::round(hsv.value * (1.0 - by)))));
  };
  const int low = dim(static_cast<double>(share));
  const int falling = dim(static_cast<double>(share * within));
  const int rising = dim(static_cast<double>(share) * (1.0 - static_cast<double>(within)));
  switch (sector % 6) {
    case 0:
      return {hsv.value, rising, low};
    case 1:
      return {falling, hsv.value, low};
    case 2:
      return {low, hsv.value, rising};
    case 3:
      return {low, falling, hsv.value};
    case 4:
      return {rising, low, hsv.value};
    default:
      return {hsv.value, low, falling};
  }
}

}  // namespace

void Transform(ImageBytes& image, const AffineMap& from) {
  const ImageBytes old = image;
  const int xx = Fixed(from.xx);
  const int xy = Fixed(from.xy);
  const int yx = Fixed(from.yx);
  const int yy = Fixed(from.yy);
  int row_x = Fixed(from.x0 + from.xx * 0.5 + from.xy * 0.5);
  int row_y = Fixed(from.y0 + from.yx * 0.5 + from.yy * 0.5);
  std::uint8_t* out = image.data();
  for (int y = 0; y < kImageSide; ++y, row_x += xy, row_y += yy) {
    int in_x = row_x;
    int in_y = row_y;
    for (int x = 0; x < kImageSide; ++x, in_x += xx, in_y += yx, ++out) {
      const int column = in_x >> 16;
      const int row = in_y >> 16;
      // One comparison each: a negative number is a large one without its sign.
      const bool inside =
          static_cast<unsigned>(column) < kImageSide && static_cast<unsigned>(row) < kImageSide;
      const std::uint8_t* source =
          inside ? old.data() + static_cast<std::ptrdiff_t>(row) * kImageSide + column : nullptr;
      for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
        out[channel * kPlaneBytes] = inside ? source[channel * kPlaneBytes] : 0;
      }
    }
  }
}

void ShearX(ImageBytes& image, double slope) { Transform(image, {.xy = slope}); }

void ShearY(ImageBytes& image, double slope) { Transform(image, {.yx = slope}); }

void TranslateX(ImageBytes& image, int pixels) {
  Transform(image, {.x0 = -static_cast<double>(pixels)});
}

void TranslateY(ImageBytes& image, int pixels) {
  Transform(image, {.y0 = -static_cast<double>(pixels)});
}

void Rotate(ImageBytes& image, double degrees) {
  const double angle = -degrees * std::numbers::pi / 180;
  const double centre = kImageSide / 2.0;
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  Transform(image, {.xx = c,
                    .xy = s,
                    .x0 = centre - c * centre - s * centre,
                    .yx = -s,
                    .yy = c,
                    .y0 = centre + s * centre - c * centre});
}

void Brightness(ImageBytes& image, double factor) {
  const auto share = static_cast<float>(factor);
  for (std::uint8_t& value : image) value = Blend(0, value, share);
}

void Contrast(ImageBytes& image, double factor) {
  const Grey grey = GreyOf(image);
  unsigned sum = 0;
  for (std::uint8_t value : grey) sum += value;
  const int mean = static_cast<int>(static_cast<double>(sum) / kPlaneBytes + 0.5);
  const auto share = static_cast<float>(factor);
  for (std::uint8_t& value : image) value = Blend(mean, value, share);
}

void Colour(ImageBytes& image, double factor) {
  const Grey grey = GreyOf(image);
  const auto share = static_cast<float>(factor);
  for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
    Plane plane = PlaneOf(image, channel);
    for (std::size_t i = 0; i < kPlaneBytes; ++i) plane[i] = Blend(grey[i], plane[i], share);
  }
}

void Sharpness(ImageBytes& image, double factor) {
  const auto share = static_cast<float>(factor);
  for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
    Plane plane = PlaneOf(image, channel);
    Grey sharp;
    std::copy(plane.begin(), plane.end(), sharp.begin());
    Smooth(plane);
    for (std::size_t i = 0; i < kPlaneBytes; ++i) plane[i] = Blend(plane[i], sharp[i], share);
  }
}

void Hue(ImageBytes& image, double turn) {
  const int steps = static_cast<int>(turn * 255) & 255;
  for (std::size_t i = 0; i < kPlaneBytes; ++i) {
    std::uint8_t* pixel = image.data() + i;
    Hsv hsv = ToHsv({pixel[0], pixel[kPlaneBytes], pixel[2 * kPlaneBytes]});
    hsv.hue = (hsv.hue + steps) & 255;
    const Rgb rgb = ToRgb(hsv);
    pixel[0] = static_cast<std::uint8_t>(rgb.red);
    pixel[kPlaneBytes] = static_cast<std::uint8_t>(rgb.green);
    pixel[2 * kPlaneBytes] = static_cast<std::uint8_t>(rgb.blue);
  }
}

void Posterize(ImageBytes& image, int bits) {
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits));
  for (std::uint8_t& value : image) value &= mask;
}

void Solarize(ImageBytes& image, double threshold) {
  for (std::uint8_t& value : image) {
    if (value >= threshold) value = static_cast<std::uint8_t>(255 - value);
  }
}

void AutoContrast(ImageBytes& image) {
  for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
    Plane plane = PlaneOf(image, channel);
    const auto [least, most] = std::minmax_element(plane.begin(), plane.end());
    if (*least == *most) continue;
    const double scale = 255.0 / (*most - *least);
    const double offset = -*least * scale;
    Table table;
    for (int i = 0; i < 256; ++i) {
      table[static_cast<std::size_t>(i)] = Clip(static_cast<int>(i * scale + offset));
    }
    Look(plane, table);
  }
}

void Equalize(ImageBytes& image) {
  for (std::size_t channel = 0; channel < kImageChannels; ++channel) {
    Plane plane = PlaneOf(image, channel);
    const auto histogram = HistogramOf(plane);
    const auto last = *std::max_element(plane.begin(), plane.end());
    const unsigned step = (static_cast<unsigned>(kPlaneBytes) - histogram[last]) / 255;
    if (step == 0) continue;
    Table table;
    unsigned below = step / 2;
    for (std::size_t i = 0; i < 256; ++i) {
      table[i] = Clip(static_cast<int>(below / step));
      below += histogram[i];
    }
    Look(plane, table);
  }
}

}  // namespace fusor
