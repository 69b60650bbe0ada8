#pragma once

// What an augmentation can do to a 32x32 colour image of bytes, in place. Every operation gives,
// byte for byte, what Pillow gives (nearest neighbour, black outside), so that recipes tuned with
// torchvision's transforms mean the same here. Pure functions; any thread.

#include <array>
#include <cstdint>

#include "trainer/data/image_set.h"

namespace fusor {

// Three planes (red, green, blue) of rows.
using ImageBytes = std::array<std::uint8_t, kImageBytes>;

// Where a pixel comes from: x' = xx x + xy y + x0, y' = yx x + yy y + y0, between pixel centres.
struct AffineMap {
  double xx = 1;
  double xy = 0;
  double x0 = 0;
  double yx = 0;
  double yy = 1;
  double y0 = 0;
};

void Transform(ImageBytes& image, const AffineMap& from);
// x' = x + slope y, and y' = y + slope x.
void ShearX(ImageBytes& image, double slope);
void ShearY(ImageBytes& image, double slope);
// To the right, and down; whole pixels.
void TranslateX(ImageBytes& image, int pixels);
void TranslateY(ImageBytes& image, int pixels);
// Counter-clockwise around the centre.
void Rotate(ImageBytes& image, double degrees);

// 0 is black, the mean grey, grey, smoothed; 1 the image; beyond 1 exaggerates.
void Brightness(ImageBytes& image, double factor);
void Contrast(ImageBytes& image, double factor);
void Colour(ImageBytes& image, double factor);
void Sharpness(ImageBytes& image, double factor);
// Turns the colour wheel by a share of its circumference, -0.5 to 0.5.
void Hue(ImageBytes& image, double turn);

// Keeps the highest bits of each byte.
void Posterize(ImageBytes& image, int bits);
// Inverts bytes that are not below the threshold.
void Solarize(ImageBytes& image, double threshold);
// Stretches each channel to the full range.
void AutoContrast(ImageBytes& image);
// Makes each channel's histogram as even as a mapping can.
void Equalize(ImageBytes& image);

}  // namespace fusor
