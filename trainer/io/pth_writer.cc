#include "trainer/io/pth_writer.h"

#include "common/base/check.h"
#include "trainer/io/atomic_file.h"
#include "trainer/io/pickle_writer.h"
#include "trainer/io/zip_writer.h"

namespace fusor {
namespace {

// torch names the archive's folder after the file; a constant keeps equal contents equal.
constexpr char kFolder[] = "archive/";

std::string MakePickle(const PthContents& contents) {
  PickleWriter pickle;
  const bool below = !contents.tensors_key.empty();
  if (below) {
    pickle.BeginDict();
    pickle.Text(contents.tensors_key);
  }
  pickle.BeginOrderedDict();
  for (const PthContents::Tensor& tensor : contents.tensors) {
    CHECK(tensor.storage < contents.storages.size());
    const std::uint64_t bytes = contents.storages[tensor.storage].size();
    CHECK(TensorBytes(tensor.type, tensor.shape) == bytes);
    pickle.Text(tensor.name);
    pickle.Put({tensor.type, tensor.shape, std::to_string(tensor.storage), bytes});
  }
  if (below) pickle.EndDict();
  for (const auto& [name, value] : contents.values) {
    pickle.Text(name);
    pickle.Put(value);
  }
  pickle.EndDict();
  return pickle.Finish();
}

}  // namespace

Status WritePthFile(const std::string& path, const PthContents& contents) {
  auto file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  ZipWriter zip(*file);
  const std::string folder = kFolder;
  RETURN_IF_ERROR(zip.Add(folder + "data.pkl", MakePickle(contents)));
  RETURN_IF_ERROR(zip.Add(folder + "byteorder", "little"));
  for (std::size_t i = 0; i < contents.storages.size(); ++i) {
    RETURN_IF_ERROR(zip.Add(folder + "data/" + std::to_string(i), contents.storages[i]));
  }
  RETURN_IF_ERROR(zip.Add(folder + "version", "3\n"));
  RETURN_IF_ERROR(zip.Finish());
  return file->Commit();
}

}  // namespace fusor
