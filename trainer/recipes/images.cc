#include "trainer/recipes/images.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "common/base/sha256.h"
#include "trainer/data/cifar.h"
#include "trainer/data/shuffle.h"
#include "trainer/data/synthetic.h"
#include "trainer/io/npy.h"

namespace fusor {
namespace {

constexpr std::size_t kEvaluationBatch = 256;
constexpr std::size_t kDivisionDigits = 16;
constexpr std::uint64_t kLabelStream = 0x6c6162656c73;  // of the draws of shuffled labels

// Names of the published files, and beside them what this very trial uses.
constexpr char kExpertFile[] = "expert_train_indices.npy";
constexpr char kFusionFile[] = "fusion_holdout_indices.npy";
constexpr char kTrainFile[] = "train_indices.npy";
constexpr char kValidationFile[] = "val_indices.npy";
constexpr char kTestFile[] = "test_indices.npy";

Result<ImageData> ReadImages(const Job& job) {
  const std::string& name = job.config.Text("data");
  if (name == "synthetic") return MakeSyntheticImages();
  if (name == "cifar10") return ReadCifar10(job.datasets_dir);
  return ReadCifar100(job.datasets_dir);
}

std::vector<std::uint32_t> Joined(const std::vector<std::uint32_t>& a,
                                  const std::vector<std::uint32_t>& b) {
  std::vector<std::uint32_t> all;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

// The first of `all` that is among `others`, or that is not. Both ascend.
std::optional<std::uint32_t> FirstOf(const std::vector<std::uint32_t>& all,
                                     const std::vector<std::uint32_t>& others, bool among) {
  for (const std::uint32_t one : all) {
    if (std::binary_search(others.begin(), others.end(), one) == among) return one;
  }
  return std::nullopt;
}

// Who may see what is held out, and nothing else: fusions judge experts by images new to them.
Status CheckSeen(const std::string& folder, ImagePart part,
                 const std::vector<std::uint32_t>& held_out,
                 const std::vector<std::vector<std::uint32_t>>& seen) {
  const bool fusion = part == ImagePart::kFusion;
  for (const std::vector<std::uint32_t>& indices : seen) {
    const auto wrong = FirstOf(indices, held_out, !fusion);
    if (!wrong) continue;
    return DataLoss(folder + ": " + (&indices == &seen[0] ? kTrainFile : kValidationFile) +
                    " names image " + std::to_string(*wrong) +
                    (fusion ? ", which is not held out for fusion: an expert may have seen it ("
                            : ", which is held out for fusion: no expert may see it (") +
                    kFusionFile + ")");
  }
  return Ok();
}

Policy PolicyNamed(const std::string& augment) {
  if (augment == "rand_augment") return Policy::kRandAugment;
  return augment == "trivial_augment" ? Policy::kTrivialAugmentWide : Policy::kNone;
}

AugmentOptions AugmentOf(const Config& config) {
  AugmentOptions options;
  const std::string& augment = config.Text("augment");
  options.erase = config.Float("erase");
  if (augment == "none") return options;
  options.crop_padding = 4;
  options.flip = true;
  if (augment == "color_jitter") {
    options.jitter = {.brightness = 0.2, .contrast = 0.2, .saturation = 0.2, .hue = 0.1};
  }
  options.policy = PolicyNamed(augment);
  options.policy_operations = static_cast<int>(config.Int("rand_operations"));
  options.policy_magnitude = static_cast<int>(config.Int("rand_magnitude"));
  return options;
}

Share ShareNamed(const std::string& name) {
  if (name == "overlap") return Share::kOverlap;
  return name == "full" ? Share::kFull : Share::kDisjointClasses;
}

}  // namespace

Images::Images(const Job& job, const Device& device, ImagePart part)
    : job_(job), config_(job.config), device_(device), part_(part) {}

Status Images::Load(Pulse& pulse) {
  auto data = ReadImages(job_);
  if (!data.ok()) return data.status();
  data_ = std::move(*data);
  pulse.Beat();
  RETURN_IF_ERROR(Divide());
  RETURN_IF_ERROR(MakeNormaliser());
  division_text_ = DescribeDivision();
  pulse.Beat();
  if (config_.Bool("shuffle_labels")) ShuffleLabels();
  const std::int64_t batch_size = config_.Int("batch_size");
  if (static_cast<std::int64_t>(train_.size()) < batch_size) {
    return DataLoss(data_.name + ": " + std::to_string(train_.size()) +
                    " training images are fewer than batch_size " + std::to_string(batch_size));
  }
  loader_.emplace(data_.train, *normaliser_, train_, Loading());
  return Ok();
}

// One for all experts and their fusion, whatever their shares: they see equal inputs. A trained
// model keeps its own.
Status Images::MakeNormaliser() {
  if (job_.pixels.empty()) {
    normaliser_.emplace(data_.train, division_.expert_train);
    return Ok();
  }
  auto normaliser = Normaliser::FromText(job_.pixels);
  if (!normaliser.ok()) return normaliser.status();
  normaliser_.emplace(*normaliser);
  return Ok();
}

std::string Images::DescribeDivision() const {
  std::string text = data_.fingerprint;
  for (const Indices& indices : {division_.expert_train, division_.expert_validation,
                                 Joined(division_.fusion_train, division_.fusion_validation)}) {
    text += ' ';
    for (const std::uint32_t index : indices) text += std::to_string(index) + ',';
  }
  return Sha256Hex(text).substr(0, kDivisionDigits);
}

Status Images::CheckFiles() const {
  const std::string& folder = config_.Text("splits");
  if (folder.empty()) return Ok();
  // How many images there are is not known here.
  constexpr std::size_t kAny = std::numeric_limits<std::uint32_t>::max();
  const std::filesystem::path path(folder);
  Indices held_out;
  Indices train;
  Indices validation;
  RETURN_IF_ERROR(ReadIndices(path / kFusionFile, kAny, held_out));
  if (!std::filesystem::exists(path / kTrainFile)) return Ok();
  RETURN_IF_ERROR(ReadIndices(path / kTrainFile, kAny, train));
  RETURN_IF_ERROR(ReadIndices(path / kValidationFile, kAny, validation));
  return CheckSeen(folder, part_, held_out, {train, validation});
}

Status Images::Divide() {
  const std::vector<int>& labels = data_.train.labels;
  const std::string& folder = config_.Text("splits");
  if (folder.empty()) {
    std::span<const std::uint32_t> published;
    if (!config_.Has("holdout")) published = PublishedHoldout(data_.name, labels.size());
    division_ = SplitTraining(labels, Fractions(), published);
  } else {
    RETURN_IF_ERROR(ReadDivision(folder));
  }
  if (!train_.empty()) {
    // The files said it.
  } else if (part_ == ImagePart::kExpert) {
    train_ = ShareOf(labels, division_.expert_train, ShareNamed(config_.Text("share")),
                     static_cast<int>(config_.Int("expert")));
    validation_ = division_.expert_validation;
  } else {
    train_ = division_.fusion_train;
    validation_ = division_.fusion_validation;
  }
  if (test_.empty()) {
    test_.resize(data_.test.size());
    std::iota(test_.begin(), test_.end(), 0);
  }
  TakePart("subset", train_, labels);
  TakePart("evaluate_subset", validation_, labels);
  TakePart("evaluate_subset", test_, data_.test.labels);
  return Ok();
}

SplitFractions Images::Fractions() const {
  SplitFractions fractions{.validation = config_.Float("validation")};
  if (config_.Has("holdout")) fractions.fusion = config_.Float("holdout");
  return fractions;
}

Status Images::ReadDivision(const std::string& folder) {
  const std::filesystem::path path(folder);
  Indices holdout;
  RETURN_IF_ERROR(ReadIndices(path / kFusionFile, data_.train.size(), holdout));
  division_ = SplitTraining(data_.train.labels, Fractions(), holdout);
  if (!std::filesystem::exists(path / kTrainFile)) return Ok();
  RETURN_IF_ERROR(ReadIndices(path / kTrainFile, data_.train.size(), train_));
  RETURN_IF_ERROR(ReadIndices(path / kValidationFile, data_.train.size(), validation_));
  if (std::filesystem::exists(path / kTestFile)) {
    RETURN_IF_ERROR(ReadIndices(path / kTestFile, data_.test.size(), test_));
  }
  if (const auto both = FirstOf(train_, validation_, true)) {
    return DataLoss(folder + ": image " + std::to_string(*both) + " is in both " + kTrainFile +
                    " and " + kValidationFile);
  }
  return Ok();
}

Status Images::ReadIndices(const std::string& path, std::size_t count, Indices& out) {
  const auto read = ReadIndexFile(path, static_cast<std::int64_t>(count));
  if (!read.ok()) return read.status();
  out.assign(read->begin(), read->end());
  std::sort(out.begin(), out.end());
  const auto twice = std::adjacent_find(out.begin(), out.end());
  if (twice == out.end()) return Ok();
  return DataLoss(path + ": image " + std::to_string(*twice) + " is named twice");
}

void Images::TakePart(const char* param, Indices& indices, const std::vector<int>& labels) const {
  const double wanted = config_.Float(param);
  if (wanted == 0) return;
  const double count =
      wanted <= 1 ? std::ceil(wanted * static_cast<double>(indices.size())) : wanted;
  indices = Subset(labels, indices, static_cast<std::size_t>(count), 0);
}

void Images::ShuffleLabels() {
  std::vector<std::uint32_t> from = train_;
  Shuffle(from, Mix(static_cast<std::uint64_t>(config_.Int("seed")), kLabelStream));
  const std::vector<int> labels = data_.train.labels;
  for (std::size_t i = 0; i < train_.size(); ++i) data_.train.labels[train_[i]] = labels[from[i]];
}

LoaderOptions Images::Loading() const {
  LoaderOptions options;
  options.seed = static_cast<std::uint64_t>(config_.Int("seed"));
  options.batch_size = config_.Int("batch_size");
  options.parts = config_.Int("accumulate");
  options.augment = AugmentOf(config_);
  options.mix = {.mixup = config_.Float("mixup"), .cutmix = config_.Float("cutmix")};
  options.pinned = device_.cuda != nullptr;
  options.threads = job_.threads > 1 || device_.cuda != nullptr ? 1 : 0;
  if (config_.Has("loader_threads")) {
    options.threads = static_cast<int>(config_.Int("loader_threads"));
  }
  return options;
}

int Images::classes() const { return config_.Text("data") == "cifar100" ? 100 : 10; }

Plan Images::plan() const {
  const std::int64_t per_epoch = loader_->steps_per_epoch();
  return {per_epoch * config_.Int("epochs"), per_epoch};
}

at::Tensor Images::SharesOf(const ImageBatch& batch) const {
  if (device_.cuda == nullptr || !batch.partner_labels.defined()) return {};
  at::Tensor shares = at::empty({2}, at::kDouble);
  double* values = shares.mutable_data_ptr<double>();
  values[0] = batch.share;
  values[1] = 1 - batch.share;
  return device_.Bring(shares);
}

Batch Images::TrainingBatch(MicroStep at) {
  const ImageBatch batch = loader_->At(at.step, at.part);
  Batch brought{.at = at,
                .inputs = device_.Bring(batch.images),
                .targets = device_.Bring(batch.labels),
                .share = batch.share,
                .shares = SharesOf(batch),
                .samples = batch.labels.size(0)};
  if (batch.partner_labels.defined()) brought.partner_targets = device_.Bring(batch.partner_labels);
  return brought;
}

const Images::Indices& Images::IndicesOf(Split split) const {
  if (split == Split::kTraining) return train_;
  return split == Split::kTest ? test_ : validation_;
}

std::size_t Images::Count(Split split) const { return IndicesOf(split).size(); }

void Images::ForEachBatch(Split split, SampleRange range,
                          const std::function<void(const LabelledBatch&)>& use) const {
  const ImageSet& set = split == Split::kTest ? data_.test : data_.train;
  const std::span<const std::uint32_t> all = IndicesOf(split);
  const std::size_t end = std::min(range.end, all.size());
  const std::size_t begin = std::min(range.first, end);
  const std::span<const std::uint32_t> indices = all.subspan(begin, end - begin);
  for (std::size_t first = 0; first < indices.size(); first += kEvaluationBatch) {
    const std::size_t count = std::min(kEvaluationBatch, indices.size() - first);
    const ImageBatch batch = PlainBatch(set, *normaliser_, indices.subspan(first, count));
    use({device_.Bring(batch.images), device_.Bring(batch.labels)});
  }
}

std::map<std::string, std::string> Images::Info() const {
  return {{"data." + data_.name, data_.fingerprint},
          {"train_images", std::to_string(train_.size())},
          {"val_images", std::to_string(validation_.size())},
          {"test_images", std::to_string(test_.size())}};
}

Result<std::vector<ArtifactReport>> Images::WriteSplits() const {
  const Indices experts = Joined(division_.expert_train, division_.expert_validation);
  const Indices fusion = Joined(division_.fusion_train, division_.fusion_validation);
  // What is trained, not what is evaluated: an expert may well be judged by held out images.
  RETURN_IF_ERROR(CheckSeen(config_.Text("splits"), part_, fusion, {train_, validation_}));
  std::vector<ArtifactReport> made;
  for (const auto& [name, indices] :
       {std::pair(kExpertFile, &experts), std::pair(kFusionFile, &fusion),
        std::pair(kTrainFile, &train_), std::pair(kValidationFile, &validation_),
        std::pair(kTestFile, &test_)}) {
    const std::string path = std::string("splits/") + name;
    RETURN_IF_ERROR(
        WriteIndexFile(path, std::vector<std::int64_t>(indices->begin(), indices->end())));
    made.push_back({"data", path, 0});
  }
  return made;
}

}  // namespace fusor
