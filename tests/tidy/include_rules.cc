#include <algorithm>
#include <array>
#include <regex>
#include <span>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace fusor::tidy {
namespace {

using Names = std::span<const std::string_view>;

// A folder and what of the tree it may include, itself apart. The first row whose folder holds a
// file is the file's row.
struct Layer {
  std::string_view folder;
  std::vector<std::string_view> may_include;
};

const std::vector<Layer>& Layers() {
  static const std::vector<Layer> kLayers = {
      {"common/base", {}},
      {"common/recipe", {"common/base"}},
      {"common/text", {"common/base", "common/recipe"}},
      {"common/dataset", {"common/base", "common/text"}},
      {"common/fetch", {"common/base", "common/dataset"}},
      {"common", {"common"}},
      {"proto", {"common", "proto"}},
      {"coordinator/core", {"common/base", "common/recipe"}},
      {"coordinator/spec", {"common", "coordinator/core"}},
      {"coordinator/store", {"common", "coordinator/core"}},
      {"coordinator/web", {"common"}},
      {"coordinator", {"common", "proto", "coordinator"}},
      {"worker/core", {"common/base", "common/recipe"}},
      {"worker/system", {"common"}},
      {"worker/process", {"common", "worker/core", "worker/system"}},
      {"worker/spool", {"common", "proto", "worker/core", "worker/system"}},
      {"worker/link", {"common", "proto", "worker/core", "worker/system"}},
      {"worker", {"common", "worker"}},
      {"trainer", {"common", "trainer"}},
      {"client", {"common", "proto", "client"}},
      {"tests", {"common", "proto", "coordinator", "worker", "trainer", "client", "tests"}},
  };
  return kLayers;
}

// Headers of a library, by how their path begins (or, after '*', ends), and the folders that may
// include them.
struct Library {
  std::string_view name;
  std::vector<std::string_view> headers;
  std::vector<std::string_view> may_be_in;
};

const std::vector<Library>& Libraries() {
  static const std::vector<Library> kLibraries = {
      {"LibTorch",
       {"ATen/", "c10/", "torch/", "caffe2/"},
       {"trainer", "tests/trainer", "tests/unit/trainer"}},
      {"CUDA", {"cuda", "nccl.h", "cublas", "cudnn", "nvToolsExt"}, {"trainer/cuda"}},
      {"gRPC",
       {"grpc", "grpcpp/", "*.grpc.pb.h"},
       {"proto", "coordinator/server", "worker/link", "client", "tests"}},
      {"Protocol Buffers",
       {"google/protobuf/", "*.pb.h"},
       {"proto", "coordinator/server", "worker/link", "worker/spool", "client", "tests"}},
      {"SQLite", {"sqlite3"}, {"coordinator/store", "worker/spool", "tests"}},
      {"Boost", {"boost/"}, {"coordinator", "worker", "client", "tests"}},
      {"yaml-cpp", {"yaml-cpp/"}, {"common/text", "coordinator/spec", "tests"}},
      {"libcurl", {"curl/"}, {"common/fetch"}},
      {"libarchive", {"archive.h", "archive_entry.h"}, {"common/fetch", "tests/harness"}},
      {"spdlog", {"spdlog/"}, {"coordinator", "worker", "client", "tests"}},
      {"GoogleTest", {"gtest/", "gmock/"}, {"tests"}},
  };
  return kLibraries;
}

// Folders that decide and touch nothing: no clock, thread, socket, file, random device or library.
constexpr std::array<std::string_view, 4> kPure = {"coordinator/core", "worker/core", "common/base",
                                                   "common/recipe"};

constexpr std::array<std::string_view, 46> kPureHeaders = {
    "algorithm",
    "any",
    "array",
    "bit",
    "bitset",
    "cctype",
    "charconv",
    "chrono",
    "climits",
    "cmath",
    "compare",
    "concepts",
    "cstddef",
    "cstdint",
    "cstdio",
    "cstdlib",
    "cstring",
    "deque",
    "exception",
    "expected",
    "format",
    "functional",
    "initializer_list",
    "iterator",
    "limits",
    "list",
    "map",
    "memory",
    "numbers",
    "numeric",
    "optional",
    "queue",
    "random",
    "ranges",
    "ratio",
    "set",
    "span",
    "string",
    "string_view",
    "sstream",
    "stdexcept",
    "tuple",
    "type_traits",
    "utility",
    "variant",
    "vector",
};

// Names of a clock or a source of chance that a header above would let in.
constexpr std::array<std::string_view, 9> kImpureNames = {
    "random_device",         "system_clock::now", "steady_clock::now",
    "high_resolution_clock", "std::rand(",        "std::time(",
    "std::getenv(",          "std::fopen(",       "std::system("};

struct Include {
  std::string path;
  bool quoted = false;
  int line = 0;
};

std::vector<Include> IncludesOf(const SourceFile& file) {
  static const std::regex kPattern(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])",
                                   std::regex::ECMAScript | std::regex::multiline);
  std::vector<Include> includes;
  for (std::sregex_iterator it(file.text.begin(), file.text.end(), kPattern), end; it != end;
       ++it) {
    includes.push_back(
        {(*it)[2], (*it)[1] == "\"", LineOf(file.text, static_cast<std::size_t>(it->position(2)))});
  }
  return includes;
}

bool IsUnderAny(std::string_view path, std::span<const std::string_view> folders) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](std::string_view folder) { return IsUnder(path, folder); });
}

const Layer* LayerOf(std::string_view path) {
  for (const Layer& layer : Layers()) {
    if (IsUnder(path, layer.folder)) return &layer;
  }
  return nullptr;
}

bool IsGenerated(std::string_view include) { return include.ends_with(".pb.h"); }

Violations CheckEdge(const SourceFile& file, const Include& include,
                     const std::set<std::string>& tree) {
  if (!include.quoted || IsGenerated(include.path)) return {};
  if (!tree.contains(include.path)) {
    return {{file.path, include.line, "include-path",
             "\"" + include.path + "\" is no file of the tree; give the path from its root"}};
  }
  const Layer* layer = LayerOf(file.path);
  if (layer == nullptr || IsUnder(include.path, layer->folder)) return {};
  if (IsUnderAny(include.path, layer->may_include)) return {};
  return {{file.path, include.line, "include-edge",
           std::string(layer->folder) + " must not include \"" + include.path + "\""}};
}

bool MatchesHeader(std::string_view include, std::string_view pattern) {
  return pattern.starts_with('*') ? include.ends_with(pattern.substr(1))
                                  : include.starts_with(pattern);
}

Violations CheckLibrary(const SourceFile& file, const Include& include) {
  for (const Library& library : Libraries()) {
    const bool matches =
        std::any_of(library.headers.begin(), library.headers.end(),
                    [&](std::string_view pattern) { return MatchesHeader(include.path, pattern); });
    if (!matches || IsUnderAny(file.path, library.may_be_in)) continue;
    if (include.quoted && !IsGenerated(include.path)) continue;
    return {{file.path, include.line, "library-header",
             std::string(library.name) + " header <" + include.path +
                 "> outside the folders that may use it"}};
  }
  return {};
}

Violations CheckPurity(const SourceFile& file, const std::vector<Include>& includes) {
  if (!IsUnderAny(file.path, kPure)) return {};
  Violations found;
  for (const Include& include : includes) {
    if (include.quoted) continue;
    if (std::find(kPureHeaders.begin(), kPureHeaders.end(), include.path) != kPureHeaders.end())
      continue;
    found.push_back(
        {file.path, include.line, "pure-core",
         "<" + include.path + "> in a folder that has no thread, clock, file, socket or library"});
  }
  for (const std::string_view name : kImpureNames) {
    const std::size_t at = file.code.find(name);
    if (at == std::string::npos) continue;
    found.push_back({file.path, LineOf(file.code, at), "pure-core",
                     std::string(name) + " in a folder that gets time and chance as arguments"});
  }
  return found;
}

}  // namespace

Violations CheckIncludes(const SourceFile& file, const std::set<std::string>& tree) {
  if (!IsCpp(file.path)) return {};
  const std::vector<Include> includes = IncludesOf(file);
  Violations found = CheckPurity(file, includes);
  for (const Include& include : includes) {
    for (Violations part : {CheckEdge(file, include, tree), CheckLibrary(file, include)}) {
      found.insert(found.end(), part.begin(), part.end());
    }
  }
  return found;
}

}  // namespace fusor::tidy
