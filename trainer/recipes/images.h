#pragma once

// The images of a trial: read, divided among training, validation and test, and brought in batches.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/job.h"
#include "trainer/data/image_set.h"
#include "trainer/data/loader.h"
#include "trainer/data/split.h"
#include "trainer/engine/device.h"
#include "trainer/engine/task.h"
#include "trainer/recipes/classifier.h"

namespace fusor {

// Whose images: an expert's share, or what is held out for fusion.
enum class ImagePart : std::uint8_t { kExpert, kFusion };

struct LabelledBatch {
  at::Tensor images;
  at::Tensor labels;
};

class Images {
 public:
  // `job` must outlive the object.
  Images(const Job& job, const Device& device, ImagePart part);

  Status Load(Pulse& pulse);

  // Of the index files that are named; without the data.
  Status CheckFiles() const;

  // Known without the data too.
  int classes() const;
  const Normaliser& normaliser() const { return *normaliser_; }
  // Which images are the experts' and which are held out; equal texts mean equal images.
  const std::string& division() const { return division_text_; }
  Plan plan() const;
  Batch TrainingBatch(MicroStep at);
  // Brings images of a split, in their order.
  void ForEachBatch(Split split, SampleRange range,
                    const std::function<void(const LabelledBatch&)>& use) const;
  // How many it has; of the training split those that are trained on.
  std::size_t Count(Split split) const;
  // Of the pixels of all of them.
  std::uint64_t Bytes() const { return (data_.train.size() + data_.test.size()) * kImageBytes; }
  // Facts about the data for the attempt's record.
  std::map<std::string, std::string> Info() const;
  // Writes splits/*.npy: who sees which images.
  Result<std::vector<ArtifactReport>> WriteSplits() const;

 private:
  using Indices = std::vector<std::uint32_t>;

  Status Divide();
  Status MakeNormaliser();
  std::string DescribeDivision() const;
  SplitFractions Fractions() const;
  // Divides as the index files of a folder say.
  Status ReadDivision(const std::string& folder);
  static Status ReadIndices(const std::string& path, std::size_t count, Indices& out);
  void TakePart(const char* param, Indices& indices, const std::vector<int>& labels) const;
  void ShuffleLabels();
  LoaderOptions Loading() const;
  // Of mixed images, on a GPU.
  at::Tensor SharesOf(const ImageBatch& batch) const;
  const Indices& IndicesOf(Split split) const;

  const Job& job_;
  const Config& config_;
  const Device device_;
  const ImagePart part_;
  ImageData data_;
  DataSplit division_;
  std::string division_text_;
  Indices train_;
  Indices validation_;
  Indices test_;
  std::optional<Normaliser> normaliser_;
  std::optional<TrainingLoader> loader_;
};

}  // namespace fusor
