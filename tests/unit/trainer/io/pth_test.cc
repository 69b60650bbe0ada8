#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/trainer/io/bytes.h"
#include "tests/unit/worker/temp_dir.h"
#include "trainer/io/atomic_file.h"
#include "trainer/io/pickle_writer.h"
#include "trainer/io/pth_reader.h"
#include "trainer/io/pth_writer.h"
#include "trainer/io/zip_writer.h"

namespace fusor {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using testing::FileText;
using ::testing::HasSubstr;
using testing::Recorded;

std::vector<std::byte> Copied(const PthReader& file, const StoredTensor& tensor) {
  std::vector<std::byte> bytes(*TensorBytes(tensor.type, tensor.shape));
  file.Copy(tensor, bytes);
  return bytes;
}

std::vector<float> Floats(const PthReader& file, const StoredTensor& tensor) {
  EXPECT_EQ(tensor.type, TensorType::kF32);
  const auto bytes = Copied(file, tensor);
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

const StoredTensor* FindTensor(const StateDict& dict, const std::string& name) {
  for (const auto& entry : dict.entries) {
    if (entry.name == name) return entry.tensor;
  }
  return nullptr;
}

// The recorded network: tensor i's elements are 100 i, 100 i + 1, ...
void ExpectNetwork(const PthReader& file) {
  auto dict = FindStateDict(file.tree());
  ASSERT_TRUE(dict.ok()) << dict.status().message();
  const char* names[] = {"conv.weight",     "bn.weight",      "bn.bias",
                         "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"};
  ASSERT_EQ(dict->entries.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(dict->entries[i].name, names[i]);
  EXPECT_THAT(dict->entries[0].tensor->shape, ElementsAre(3, 2, 1, 1));
  EXPECT_THAT(Floats(file, *dict->entries[0].tensor), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(Floats(file, *dict->entries[4].tensor), ElementsAre(400, 401, 402));
  EXPECT_EQ(dict->entries[5].tensor->type, TensorType::kI64);
  EXPECT_TRUE(dict->entries[5].tensor->shape.empty());
}

TEST(PthReader, StateDictsOfEveryProtocol) {
  for (const char* name :
       {"state_dict.pth", "component.pth", "checkpoint.pth", "checkpoint_protocol3.pth",
        "checkpoint_protocol4.pth", "checkpoint_protocol5.pth"}) {
    SCOPED_TRACE(name);
    const auto bytes = Recorded(name);
    auto file = PthReader::Parse(bytes);
    ASSERT_TRUE(file.ok()) << file.status().message();
    ExpectNetwork(*file);
  }
}

TEST(PthReader, ValuesBesideTheTensors) {
  const auto bytes = Recorded("component.pth");
  auto file = PthReader::Parse(bytes);
  ASSERT_TRUE(file.ok());
  const PickleTree& tree = file->tree();
  EXPECT_EQ(tree.Find(tree.root(), "epoch")->integer, 12);
  EXPECT_EQ(tree.Find(tree.root(), "accuracy")->real, 0.8125);
  EXPECT_EQ(tree.Find(tree.root(), "fusion_type")->text, "multiplicative");
}

TEST(PthReader, OddValues) {
  for (const char* name : {"checkpoint.pth", "checkpoint_protocol5.pth"}) {
    const auto bytes = Recorded(name);
    auto file = PthReader::Parse(bytes);
    ASSERT_TRUE(file.ok());
    const PickleTree& tree = file->tree();
    const auto* odd = tree.Find(tree.root(), "odd");
    ASSERT_NE(odd, nullptr);
    ASSERT_EQ(odd->items.size(), 12U);
    EXPECT_EQ(tree.Get(odd->items[6]).integer, -5'000'000'000);
    EXPECT_EQ(tree.Get(odd->items[7]).real, 1180591620717411303424.0);
    EXPECT_EQ(tree.Get(odd->items[9]).text.size(), 200U);
    EXPECT_EQ(tree.Find(tree.root(), "size")->items.size(), 2U);
    EXPECT_EQ(tree.Find(tree.root(), "type")->text, "torch.float32");
    EXPECT_EQ(tree.Find(tree.root(), "device")->text, "cpu");
  }
}

TEST(PthReader, ViewsAndStrides) {
  const auto bytes = Recorded("views.pth");
  auto file = PthReader::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto dict = FindStateDict(file->tree());
  ASSERT_TRUE(dict.ok());
  auto floats = [&](const std::string& name) { return Floats(*file, *FindTensor(*dict, name)); };
  EXPECT_EQ(floats("plain").size(), 24U);
  EXPECT_EQ(floats("plain")[23], 23);
  EXPECT_THAT(FindTensor(*dict, "transposed")->shape, ElementsAre(6, 4));
  EXPECT_EQ(floats("transposed")[1], 6);
  EXPECT_EQ(floats("transposed")[4], 1);
  EXPECT_THAT(floats("slice"), ElementsAre(6, 8, 10, 12, 14, 16));
  EXPECT_THAT(floats("expanded"), ElementsAre(5, 5, 5, 5, 5, 5));
  EXPECT_EQ(floats("last"), floats("plain"));
  EXPECT_THAT(floats("scalar"), ElementsAre(7));
  EXPECT_TRUE(floats("empty").empty());
  EXPECT_EQ(FindTensor(*dict, "tied")->storage, FindTensor(*dict, "tied_too")->storage);
  EXPECT_THAT(floats("parameter"), ElementsAre(0, 1, 2));
}

// Elements are the bytes 0, 37, 74, ... modulo 251, bools 0 and 1 in turn.
TEST(PthReader, EveryType) {
  const auto bytes = Recorded("types.pth");
  auto file = PthReader::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto dict = FindStateDict(file->tree());
  ASSERT_TRUE(dict.ok());
  EXPECT_EQ(dict->entries.size(), 21U);
  for (const auto& [name, tensor] : dict->entries) {
    EXPECT_EQ(TorchTypeName(tensor->type), name);
    EXPECT_THAT(tensor->shape, ElementsAre(2, 3));
    const auto found = Copied(*file, *tensor);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::size_t expected = tensor->type == TensorType::kBool ? i % 2 : i * 37 % 251;
      EXPECT_EQ(static_cast<std::size_t>(found[i]), expected) << name << " byte " << i;
    }
  }
}

TEST(PthReader, SaysWhyAFileIsRefused) {
  auto problem = [](const std::vector<std::byte>& bytes) {
    return PthReader::Parse(bytes).status().message();
  };
  EXPECT_THAT(problem(Recorded("legacy.pth")),
              HasSubstr("before 1.6; convert it in Python: torch."));
  EXPECT_THAT(problem(Recorded("module.pth")), HasSubstr("\"torch.nn.modules.linear.Linear\""));
  EXPECT_THAT(problem(Recorded("indices.npy")), HasSubstr("neither a zip archive"));
  EXPECT_THAT(problem(Bytes("version https://git-lfs.github.com/spec/v1\n")), HasSubstr("LFS"));
  EXPECT_THAT(problem({}), HasSubstr("offset 0"));
}

using Records = std::vector<std::pair<std::string, std::string>>;

std::string ArchiveProblem(const Records& records) {
  agent::TempDir root;
  const std::string path = root.path() / "a.pth";
  auto file = AtomicFile::Create(path);
  EXPECT_TRUE(file.ok());
  ZipWriter zip(*file);
  for (const auto& [name, text] : records) EXPECT_TRUE(zip.Add(name, std::string_view(text)).ok());
  EXPECT_TRUE(zip.Finish().ok());
  EXPECT_TRUE(file->Commit().ok());
  return PthReader::Parse(Bytes(FileText(path))).status().message();
}

// {"a": ten floats in record 0}
std::string TenFloats() {
  PickleWriter pickle;
  const std::vector<std::int64_t> shape = {10};
  pickle.BeginDict();
  pickle.Text("a");
  pickle.Put({TensorType::kF32, shape, "0", 40});
  pickle.EndDict();
  return pickle.Finish();
}

TEST(PthReader, ArchivesThatDoNotAddUp) {
  const std::pair<std::string, std::string> pickle = {"a/data.pkl", TenFloats()};
  const std::pair<std::string, std::string> data = {"a/data/0", std::string(40, 'x')};
  EXPECT_EQ(ArchiveProblem({pickle, data}), "");
  EXPECT_THAT(ArchiveProblem({pickle, {"a/data/0", std::string(39, 'x')}}),
              HasSubstr("\"a/data/0\" has 39 bytes, expected 40"));
  EXPECT_THAT(ArchiveProblem({pickle, {"b/data/0", data.second}}),
              HasSubstr("no record \"a/data/0\""));
  EXPECT_THAT(ArchiveProblem({data}), HasSubstr("without FOLDER/data.pkl"));
  EXPECT_THAT(ArchiveProblem({pickle, data, {"b/data.pkl", pickle.second}}),
              HasSubstr("two records"));
  EXPECT_THAT(ArchiveProblem({pickle, data, {"a/byteorder", "big"}}), HasSubstr("big-endian"));
  EXPECT_EQ(ArchiveProblem({pickle, data, {"a/byteorder", "little"}, {"a/version", "10\n"}}), "");
  EXPECT_THAT(ArchiveProblem({pickle, data, {"a/version", "11\n"}}), HasSubstr("\"11\""));
  EXPECT_THAT(ArchiveProblem({pickle, data, {"a/version", "x"}}), HasSubstr("\"x\""));
  EXPECT_THAT(ArchiveProblem({pickle, data, {"a/constants.pkl", ""}}), HasSubstr("TorchScript"));
}

// One float, repeated 2^30 times by a stride of 0.
TEST(PthReader, ElementsAreNotRepeatedWithoutLimit) {
  std::string pickle = TenFloats();
  const std::string shape = "(K\x0at";
  const std::size_t at = pickle.find(shape);
  ASSERT_NE(at, std::string::npos);
  std::string stretched("(J\0\0\0\x40t(K\0t", 11);
  pickle.replace(at, shape.size() + 4, stretched);
  EXPECT_THAT(ArchiveProblem({{"a/data.pkl", pickle}, {"a/data/0", std::string(40, 'x')}}),
              HasSubstr("repeat their elements"));
}

class PthWriterTest : public ::testing::Test {
 protected:
  std::vector<std::byte> Written(const PthContents& contents) {
    const std::string path = root_.path() / "a.pth";
    const Status status = WritePthFile(path, contents);
    EXPECT_TRUE(status.ok()) << status.message();
    return Bytes(FileText(path));
  }

  agent::TempDir root_;
};

TEST_F(PthWriterTest, EveryTypeComesBack) {
  std::vector<std::byte> pattern(96);
  for (std::size_t i = 0; i < pattern.size(); ++i)
    pattern[i] = static_cast<std::byte>(i * 37 % 251);
  PthContents contents;
  for (int i = 0; i <= static_cast<int>(TensorType::kC128); ++i) {
    const auto type = static_cast<TensorType>(i);
    contents.tensors.push_back(
        {std::string(TorchTypeName(type)), type, {2, 3}, contents.storages.size()});
    contents.storages.push_back(
        std::span<const std::byte>(pattern).first(6 * TensorTypeBytes(type)));
  }
  const auto bytes = Written(contents);
  auto file = PthReader::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto dict = FindStateDict(file->tree());
  ASSERT_TRUE(dict.ok());
  ASSERT_EQ(dict->entries.size(), contents.tensors.size());
  for (std::size_t i = 0; i < dict->entries.size(); ++i) {
    const auto& [name, tensor] = dict->entries[i];
    EXPECT_EQ(name, contents.tensors[i].name);
    EXPECT_EQ(tensor->type, contents.tensors[i].type);
    const auto found = Copied(*file, *tensor);
    EXPECT_TRUE(std::equal(found.begin(), found.end(), pattern.begin())) << name;
  }
}

TEST_F(PthWriterTest, ValuesSharedStoragesAndEqualBytes) {
  const std::vector<float> floats = {1, 2, 3};
  PthContents contents{
      .tensors_key = "model_state_dict",
      .tensors = {{"a", TensorType::kF32, {3}, 0},
                  {"b", TensorType::kF32, {3, 1}, 0},
                  {"none", TensorType::kF32, {0, 7}, 1}},
      .storages = {std::as_bytes(std::span(floats)), {}},
      .values = {{"epoch", std::int64_t{3}}, {"component", std::string("fusion")}}};
  const auto bytes = Written(contents);
  EXPECT_EQ(bytes, Written(contents));
  auto file = PthReader::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto dict = FindStateDict(file->tree());
  ASSERT_TRUE(dict.ok());
  EXPECT_EQ(FindTensor(*dict, "a")->storage, FindTensor(*dict, "b")->storage);
  EXPECT_THAT(Floats(*file, *FindTensor(*dict, "b")), ElementsAre(1, 2, 3));
  EXPECT_THAT(FindTensor(*dict, "none")->shape, ElementsAre(0, 7));
  EXPECT_EQ(file->tree().Find(file->tree().root(), "component")->text, "fusion");
}

TEST(StateDict, NeedsTensorsWithNames) {
  agent::TempDir root;
  const std::string path = root.path() / "a.pth";
  ASSERT_TRUE(WritePthFile(path, {.values = {{"epoch", std::int64_t{3}}}}).ok());
  const auto bytes = Bytes(FileText(path));
  auto file = PthReader::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_THAT(FindStateDict(file->tree()).status().message(), HasSubstr("no tensors by name"));
}

TEST(StateDict, APrefixGoesOnlyWhenAllHaveIt) {
  const float one = 1;
  auto names = [&](std::vector<std::string> given) {
    agent::TempDir root;
    const std::string path = root.path() / "a.pth";
    PthContents contents{.storages = {std::as_bytes(std::span(&one, 1))}};
    for (const std::string& name : given)
      contents.tensors.push_back({name, TensorType::kF32, {1}, 0});
    EXPECT_TRUE(WritePthFile(path, contents).ok());
    const auto bytes = Bytes(FileText(path));
    auto file = PthReader::Parse(bytes);
    EXPECT_TRUE(file.ok());
    auto dict = FindStateDict(file->tree());
    EXPECT_TRUE(dict.ok());
    std::vector<std::string> found;
    for (const auto& entry : dict->entries) found.push_back(entry.name);
    return found;
  };
  EXPECT_THAT(names({"module.a", "module.b"}), ElementsAre("a", "b"));
  EXPECT_THAT(names({"_orig_mod.module.a", "_orig_mod.module.b"}), ElementsAre("a", "b"));
  EXPECT_THAT(names({"module._orig_mod.a"}), ElementsAre("a"));
  EXPECT_THAT(names({"module.a", "b"}), ElementsAre("module.a", "b"));
  EXPECT_THAT(names({"module."}), ElementsAre("module."));
}

}  // namespace
}  // namespace fusor
