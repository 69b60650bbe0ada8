// Networks and fusions against what Python's torch computed of the same weights and inputs. The
// references are written by tests/peers/network_references.py; `make peers` compares live, in full
// size.

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/trainer/agent.h"
#include "tests/trainer/subject.h"
#include "trainer/io/safetensors.h"
#include "trainer/models/layers.h"

namespace fusor::testing {
namespace {

std::vector<std::string> ReferenceNames() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(FUSOR_SOURCE_DIR "/tests/trainer/references")) {
    names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Reference : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto file = SafetensorsFile::Open(FUSOR_SOURCE_DIR "/tests/trainer/references/" + GetParam() +
                                      ".safetensors");
    ASSERT_TRUE(file.ok()) << file.status().message();
    file_.emplace(std::move(*file));
  }

  std::string Metadata(const std::string& name) const { return file_->header().metadata.at(name); }

  std::unique_ptr<Subject> MakeFilled(const Precision& precision) const {
    auto subject = Subject::Make(Metadata("options"), precision);
    CHECK(subject.ok());
    Fill((*subject)->parameters());
    return std::move(*subject);
  }

  Pass MakePass(const Precision& precision, Mode mode) const {
    return {.precision = precision,
            .mode = mode,
            .seed = std::stoull(Metadata("seed")),
            .step = std::stoll(Metadata("step"))};
  }

  // As the script makes them.
  std::vector<at::Tensor> Inputs(at::ScalarType type) const {
    if (!Metadata("options").starts_with("fusion=")) {
      return {FilledInput("images", {3, 3, 16, 16}).to(type)};
    }
    std::vector<at::Tensor> features;
    for (int k = 0; k < 4; ++k) {
      features.push_back(
          FilledInput("features." + std::to_string(k), {3, 16}).to(type).requires_grad_());
    }
    return features;
  }

  // Within `tolerance` of `scale`, the tensor's largest magnitude.
  void ExpectNear(const std::string& name, const at::Tensor& got, double scale, double tolerance) {
    const TensorEntry* entry = file_->Find(name);
    ASSERT_NE(entry, nullptr) << name;
    const auto stored = file_->Read(*entry);
    ASSERT_TRUE(stored.ok()) << stored.status().message();
    const at::Tensor expected = stored->to(at::kDouble);
    ASSERT_EQ(got.sizes(), expected.sizes()) << name;
    const double off = got.detach().to(at::kDouble).sub(expected).abs().max().item<double>();
    EXPECT_LE(off, tolerance * scale) << name << ", largest magnitude " << scale;
    ++compared_;
  }

  void ExpectTensor(const std::string& name, const at::Tensor& got, double tolerance) {
    ExpectNear(name, got, got.detach().abs().max().item<double>(), tolerance);
  }

  void ExpectDigest(const std::string& prefix, const std::string& name, const at::Tensor& got,
                    double tolerance) {
    ASSERT_TRUE(got.defined()) << name;
    ExpectNear(prefix + name, Digest(name, got), got.detach().abs().max().item<double>(),
               tolerance);
  }

  std::size_t CountOf(const std::string& prefix) const {
    std::size_t count = 0;
    for (const TensorEntry& entry : file_->header().tensors) {
      if (entry.name.starts_with(prefix)) ++count;
    }
    return count;
  }

  std::optional<SafetensorsFile> file_;
  std::size_t compared_ = 0;
};

TEST_P(Reference, TrainingInDoubleEqualsPython) {
  const Precision precision = *Precision::FromName("fp64", false);
  std::unique_ptr<Subject> subject = MakeFilled(precision);
  std::vector<at::Tensor> inputs = Inputs(at::kDouble);
  const auto results = subject->Forward(inputs, MakePass(precision, Mode::kTrain));
  results[0].mul(FilledInput("cotangent", results[0].sizes())).sum().backward();
  for (std::size_t i = 0; i < results.size(); ++i) {
    ExpectTensor("train:" + std::to_string(i), results[i], 1e-9);
  }
  for (const Parameter& parameter : subject->parameters().trained) {
    ExpectDigest("gradient:", parameter.name, parameter.value.grad(), 1e-9);
  }
  for (std::size_t k = 0; inputs.size() > 1 && k < inputs.size(); ++k) {
    ExpectDigest("gradient:", "features." + std::to_string(k), inputs[k].grad(), 1e-9);
  }
  for (const Buffer& buffer : subject->parameters().buffers) {
    if (buffer.value.scalar_type() == at::kLong) continue;
    ExpectDigest("buffer:", buffer.name, buffer.value, 1e-9);
  }
  // Nothing that Python has is missing here.
  EXPECT_EQ(compared_, CountOf("train:") + CountOf("gradient:") + CountOf("buffer:"));
}

TEST_P(Reference, EvaluationInDoubleEqualsPython) {
  const Precision precision = *Precision::FromName("fp64", false);
  const auto results =
      MakeFilled(precision)->Forward(Inputs(at::kDouble), MakePass(precision, Mode::kEvaluate));
  ExpectTensor("evaluate", results[0], 1e-9);
}

TEST_P(Reference, LogitsInSingleEqualPython) {
  const Precision precision = *Precision::FromName("fp32", false);
  for (const auto& [mode, name] :
       {std::pair(Mode::kEvaluate, "evaluate32"), std::pair(Mode::kTrain, "train32")}) {
    const auto results =
        MakeFilled(precision)->Forward(Inputs(at::kFloat), MakePass(precision, mode));
    EXPECT_EQ(results[0].scalar_type(), at::kFloat);
    ExpectTensor(name, results[0], 1e-4);
  }
}

struct SeenLayer {
  Layer layer;
  std::vector<std::int64_t> in;
  std::int64_t channels_out = 0;  // the last dimension of a linear layer's output
};

class LayerList final : public LayerObserver {
 public:
  void OnLayer(const Layer& layer, const at::Tensor& input, const at::Tensor& output) override {
    if (layer.parameters == 0) return;
    seen_.push_back({layer, input.sizes().vec(), output.size(-1)});
  }
  const std::vector<SeenLayer>& seen() const { return seen_; }

 private:
  std::vector<SeenLayer> seen_;
};

// The layer alone, its tensors filled by name, on an input filled by name.
at::Tensor RunAlone(const SeenLayer& seen, const Pass& pass) {
  const Layer& layer = seen.layer;
  ParameterSet parameters;
  ModelBuilder builder(parameters, 1, at::kCPU);
  const at::Tensor input = FilledInput("input:" + layer.name, seen.in);
  if (layer.kind == LayerKind::kConv) {
    Conv2d conv(builder, layer.name, layer.conv);
    Fill(parameters);
    return conv.Forward(input, pass);
  }
  if (layer.kind == LayerKind::kBatchNorm) {
    BatchNorm2d norm(builder, layer.name, input.size(1));
    Fill(parameters);
    return norm.Forward(input, pass);
  }
  if (layer.kind == LayerKind::kLayerNorm) {
    LayerNorm norm(builder, layer.name, input.size(-1));
    Fill(parameters);
    return norm.Forward(input, pass);
  }
  Linear linear(builder, layer.name, input.size(-1), seen.channels_out);
  Fill(parameters);
  return linear.Forward(input, pass);
}

TEST_P(Reference, EveryLayerAloneInSingleEqualsPython) {
  at::NoGradGuard no_gradients;
  const Precision precision = *Precision::FromName("fp32", false);
  LayerList layers;
  Pass pass = MakePass(precision, Mode::kTrain);
  pass.observer = &layers;
  MakeFilled(precision)->Forward(Inputs(at::kFloat), pass);
  pass.observer = nullptr;
  for (const SeenLayer& seen : layers.seen()) {
    // Python's module has no layer for this matrix.
    if (seen.layer.name == "attention.in_proj") continue;
    ExpectDigest("layer:", seen.layer.name, RunAlone(seen, pass), 1e-5);
  }
  EXPECT_EQ(compared_, CountOf("layer:"));
}

INSTANTIATE_TEST_SUITE_P(All, Reference, ::testing::ValuesIn(ReferenceNames()),
                         [](const auto& test) { return test.param; });

TEST(References, AreThere) {
  EXPECT_EQ(ReferenceNames().size(), 11u);  // five networks, six fusions
}

}  // namespace
}  // namespace fusor::testing
