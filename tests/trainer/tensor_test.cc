// Tensors in files, networks, precision.

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tests/trainer/agent.h"
#include "trainer/io/safetensors.h"
#include "trainer/models/resnet.h"
#include "trainer/precision/precision.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;
using testing::ReadAll;
using testing::TemporaryDirectory;
using testing::WriteAll;

Precision Fp32() { return *Precision::FromName("fp32", false); }
Precision Bf16() { return *Precision::FromName("bf16", false); }

// Every bit pattern of 16 bits in every type: NaNs with payloads, subnormals and all.
TEST(Safetensors, EveryTypeComesBackBitForBit) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/all.safetensors";
  at::Tensor bytes = at::arange(65'536, at::kLong).to(at::kShort).view(at::kByte);
  at::Tensor bools = at::arange(64, at::kLong).remainder(2).to(at::kBool);
  std::vector<NamedTensor> tensors = {{"BOOL", bools}};
  for (at::ScalarType type : {at::kByte, at::kChar, at::kShort, at::kUInt16, at::kInt, at::kUInt32,
                              at::kLong, at::kUInt64, at::kHalf, at::kBFloat16, at::kFloat,
                              at::kDouble, at::kComplexFloat, at::kFloat8_e5m2, at::kFloat8_e4m3fn,
                              at::kFloat8_e5m2fnuz, at::kFloat8_e4m3fnuz, at::kFloat8_e8m0fnu}) {
    tensors.push_back({c10::toString(type), bytes.view(type)});
  }
  ASSERT_TRUE(WriteSafetensors(path, tensors, {{"key", "value"}}).ok());
  auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->header().metadata.at("key"), "value");
  for (const NamedTensor& named : tensors) {
    const TensorEntry* entry = file->Find(named.name);
    ASSERT_NE(entry, nullptr) << named.name;
    at::Tensor read = *file->Read(*entry);
    EXPECT_EQ(read.scalar_type(), named.tensor.scalar_type());
    ASSERT_EQ(read.nbytes(), named.tensor.nbytes());
    EXPECT_EQ(std::memcmp(read.const_data_ptr(), named.tensor.const_data_ptr(), read.nbytes()), 0)
        << named.name;
  }
}

TEST(Safetensors, StridesDoNotMatter) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/t.safetensors";
  at::Tensor plain = at::arange(120, at::kFloat).view({2, 3, 4, 5});
  at::Tensor last = plain.contiguous(at::MemoryFormat::ChannelsLast);
  ASSERT_TRUE(WriteSafetensors(path, std::vector<NamedTensor>{{"a", last}}, {}).ok());
  auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok());
  at::Tensor into = at::zeros({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  ASSERT_TRUE(file->ReadInto("a", into).ok());
  EXPECT_TRUE(into.equal(plain));
}

TEST(Safetensors, DamagedFilesAreRefused) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/t.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, std::vector<NamedTensor>{{"a", at::ones({4})}}, {}).ok());
  const std::string good = ReadAll(path);
  auto problem = [&](const std::string& text) {
    WriteAll(path, text);
    return SafetensorsFile::Open(path).status().message();
  };
  EXPECT_EQ(problem(good), "");
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(problem(good.substr(0, length)), "") << length;
  }
  EXPECT_NE(problem(good + "x"), "");
  // A header length beyond the file, and beyond the format's limit.
  for (unsigned char high : {0x01, 0x7f, 0xff}) {
    std::string wrong = good;
    wrong[7] = static_cast<char>(high);
    EXPECT_THAT(problem(wrong), HasSubstr("offset 0"));
  }
  EXPECT_EQ(SafetensorsFile::Open(root.path() + "/none").status().code(), Code::kNotFound);
  EXPECT_FALSE(SafetensorsFile::Open(root.path()).ok());
}

TEST(Safetensors, ReadIntoChecksShapeAndType) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/t.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, std::vector<NamedTensor>{{"a", at::ones({2, 3})}}, {}).ok());
  auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok());
  at::Tensor shape = at::zeros({3, 2});
  at::Tensor type = at::zeros({2, 3}, at::kDouble);
  at::Tensor right = at::zeros({2, 3});
  EXPECT_THAT(file->ReadInto("a", shape).message(), HasSubstr("F32[2,3], expected F32[3,2]"));
  EXPECT_FALSE(file->ReadInto("a", type).ok());
  EXPECT_FALSE(file->ReadInto("b", right).ok());
  EXPECT_TRUE(file->ReadInto("a", right).ok());
  EXPECT_TRUE(right.equal(at::ones({2, 3})));
}

TEST(Safetensors, TiedTensorsAreStoredOnce) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.safetensors";
  const at::Tensor tied = at::arange(1000, at::kFloat);
  ASSERT_TRUE(WriteSafetensors(path, std::vector<NamedTensor>{{"a", tied}, {"b", tied}}, {}).ok());
  EXPECT_LT(std::filesystem::file_size(path), 2 * tied.nbytes());
  auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->header().metadata.at("b"), "a");
  EXPECT_EQ(file->TiedNames(), std::vector<std::string>{"b"});
  at::Tensor into = at::zeros({1000});
  ASSERT_TRUE(file->ReadInto("b", into).ok());
  EXPECT_TRUE(into.equal(tied));
  EXPECT_FALSE(
      WriteSafetensors(path, std::vector<NamedTensor>{{"a", tied}, {"b", tied}}, {{"b", "taken"}})
          .ok());
}

TEST(Safetensors, ViewsNeedNoCopyAndOutliveTheFile) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.safetensors";
  const at::Tensor odd = at::ones({3}, at::kByte);
  const at::Tensor doubles = at::arange(7, at::kDouble);
  ASSERT_TRUE(
      WriteSafetensors(path, std::vector<NamedTensor>{{"odd", odd}, {"doubles", doubles}}, {})
          .ok());
  at::Tensor view;
  {
    auto file = SafetensorsFile::Open(path);
    ASSERT_TRUE(file.ok());
    const TensorEntry* entry = file->Find("doubles");
    view = *file->View(*entry);
    EXPECT_EQ(view.const_data_ptr(), file->Bytes(*entry).data());
  }
  std::filesystem::remove(path);
  EXPECT_TRUE(view.equal(doubles));
}

TEST(Safetensors, DataAtOddPlacesIsCopied) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.safetensors";
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string text(8, '\0');
  text[0] = static_cast<char>(header.size());
  text += header + std::string("\0\0\x80\x3f", 4);
  ASSERT_NE(header.size() % 4, 0U);
  WriteAll(path, text);
  auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_TRUE(file->View(*file->Find("a"))->equal(at::ones({1})));
}

TEST(Safetensors, TypesItLacksAreRefused) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/a.safetensors";
  const at::Tensor tensor = at::zeros({1}, at::kComplexDouble);
  EXPECT_THAT(WriteSafetensors(path, std::vector<NamedTensor>{{"a", tensor}}, {}).message(),
              HasSubstr("'a' is C128"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Safetensors, FilesMadeByOthers) {
  const char* given = std::getenv("FUSOR_DATA");
  const std::string folder =
      (given != nullptr ? std::string(given) : FUSOR_SOURCE_DIR "/../shared/data") + "/safetensors";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "no " << folder << " (set FUSOR_DATA)";
  }
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    auto file = SafetensorsFile::Open(entry.path());
    ASSERT_TRUE(file.ok()) << file.status().message();
    for (const TensorEntry& tensor : file->header().tensors) {
      at::Tensor read = *file->Read(tensor);
      EXPECT_EQ(read.nbytes(), file->Bytes(tensor).size()) << entry.path() << tensor.name;
    }
    ++files;
  }
  EXPECT_GT(files, 0);
}

std::int64_t CountOf(const ResNetOptions& options) {
  ParameterSet parameters;
  ModelBuilder builder(parameters, 1, at::kCPU);
  ResNet model(builder, options);
  return parameters.Count();
}

TEST(ResNet, HasTheReferencesParameterCounts) {
  EXPECT_EQ(CountOf({18, 64, 100}), 11'220'132);
  EXPECT_EQ(CountOf({18, 64, 10}), 11'173'962);
  EXPECT_LT(CountOf({10, 16, 10}), 400'000);
}

TEST(ResNet, NamesAndDecay) {
  ParameterSet parameters;
  ModelBuilder builder(parameters, 1, at::kCPU);
  ResNet model(builder, {18, 4, 10});
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters.trained) {
    names.push_back(parameter.name);
    // Weights of convolutions and of the head alone shrink.
    EXPECT_EQ(parameter.decay, parameter.value.dim() > 1) << parameter.name;
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"conv1.weight", "bn1.bias", "layer1.0.conv2.weight",
                                              "layer2.0.downsample.0.weight", "layer4.1.bn2.weight",
                                              "fc.weight", "fc.bias"}));
  EXPECT_EQ(parameters.buffers[0].name, "bn1.running_mean");
}

TEST(ResNet, ShapesStatisticsAndModes) {
  ParameterSet parameters;
  ModelBuilder builder(parameters, 1, at::kCPU);
  ResNet model(builder, {10, 4, 7});
  at::Tensor images = at::ones({5, 3, 32, 32}).contiguous(at::MemoryFormat::ChannelsLast);
  const NetworkOutput output = model.Forward(images, {Fp32(), Mode::kTrain});
  EXPECT_EQ(output.features.sizes(), (std::vector<std::int64_t>{5, 32}));
  EXPECT_EQ(output.logits.sizes(), (std::vector<std::int64_t>{5, 7}));
  EXPECT_EQ(parameters.buffers[2].value.item<std::int64_t>(), 1);  // batches of bn1
  const at::Tensor mean = parameters.buffers[0].value.clone();
  model.Forward(images, {Fp32(), Mode::kEvaluate});
  EXPECT_TRUE(parameters.buffers[0].value.equal(mean));
}

TEST(ResNet, GradientReachesEveryParameterInEitherPrecision) {
  for (const Precision& precision : {Fp32(), Bf16()}) {
    ParameterSet parameters;
    ModelBuilder builder(parameters, 3, at::kCPU);
    ResNet model(builder, {10, 4, 7});
    at::Tensor images = at::arange(4 * 3 * 32 * 32, at::kFloat).sin().view({4, 3, 32, 32});
    model.Forward(images, {precision, Mode::kTrain}).logits.square().sum().backward();
    for (const Parameter& parameter : parameters.trained) {
      ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
      EXPECT_EQ(parameter.value.grad().scalar_type(), at::kFloat) << parameter.name;
      EXPECT_GT(parameter.value.grad().abs().sum().item<double>(), 0) << parameter.name;
    }
  }
}

TEST(ModelBuilder, InitialValuesDependOnSeedAndNameAlone) {
  ParameterSet first;
  ParameterSet second;
  ModelBuilder one(first, 9, at::kCPU);
  ModelBuilder other(second, 9, at::kCPU);
  at::Tensor conv = one.ConvWeight("c", 64, 32, 3);
  other.LinearWeight("l", 10, 20);
  EXPECT_TRUE(conv.equal(other.ConvWeight("c", 64, 32, 3)));
  EXPECT_FALSE(conv.equal(other.ConvWeight("d", 64, 32, 3)));
  // Kaiming by fan-out: deviation sqrt(2 / (64 * 9)).
  EXPECT_NEAR(conv.std().item<double>(), std::sqrt(2.0 / 576), 0.002);
  EXPECT_NEAR(conv.mean().item<double>(), 0, 0.002);
  // Xavier: within sqrt(6 / 30).
  at::Tensor linear = second.trained[0].value;
  EXPECT_LE(linear.abs().max().item<double>(), std::sqrt(6.0 / 30));
  EXPECT_GT(linear.abs().max().item<double>(), 0.9 * std::sqrt(6.0 / 30));
}

TEST(Precision, NamesAndDevices) {
  for (const char* name : {"fp32", "bf16", "fp64"})
    EXPECT_TRUE(Precision::FromName(name, false).ok());
  for (const char* name : {"tf32", "fp16"}) {
    EXPECT_FALSE(Precision::FromName(name, false).ok());
    EXPECT_TRUE(Precision::FromName(name, true).ok());
  }
  EXPECT_FALSE(Precision::FromName("fp8", true).ok());
}

TEST(Precision, CastKeepsFp32MastersAndGradients) {
  at::Tensor master = at::full({3}, 1.00390625).requires_grad_();  // 1 + 2^-8 is no bf16
  at::Tensor cast = Bf16().Cast(master);
  EXPECT_EQ(cast.scalar_type(), at::kBFloat16);
  cast.sum().backward();
  EXPECT_EQ(master.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(master[0].item<float>(), 1.00390625f);
  EXPECT_TRUE(Fp32().Cast(master).is_same(master));
}

}  // namespace
}  // namespace fusor
